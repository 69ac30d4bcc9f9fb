"""Following a tenant: a client is a place in the log, and nothing is missed or shown twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from app.live import broadcaster as broadcasting
from app.live import tenant_backlog as backlogs
from app.live import tenant_channel as channels
from app.live.broadcaster import Broadcaster
from app.live.frames import Frame
from app.live.progress import ProgressChannels
from app.live.tenant_channel import TenantSubscription
from events.envelope import AnyRecorded
from events.run.events import RunDataErased, RunEvent
from tests.builders.facts import NOW, RUN_ID, created, draft, meta, uploaded
from tests.fakes.log import FakeLog, FakeProgress

ADA, BOB = "user:ada", "user:bob"
RING = 8
"""Events that a channel holds here."""


@pytest.fixture(autouse=True)
def _small_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "RECENT", RING)
    monkeypatch.setattr(backlogs, "PAGE", 3)
    monkeypatch.setattr(broadcasting, "LINGER", 0.01)
    for module in (broadcasting, backlogs):
        monkeypatch.setattr(module, "RECONNECT", 0.01)


class World:
    """A log in memory, and a process that follows it."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.encoded: list[int] = []
        self.broadcaster = Broadcaster(
            self.log, ProgressChannels(FakeProgress()), frame_of=self.frame_of
        )

    def frame_of(self, recorded: AnyRecorded) -> Frame:
        self.encoded.append(recorded.position)
        name = getattr(recorded.event, "name", "")
        return Frame(recorded=recorded, data=f"{recorded.position}{name}".encode())

    def happens(
        self,
        tenant: str = ADA,
        *,
        times: int = 1,
        event: RunEvent | None = None,
        run_id: UUID | None = None,
    ) -> None:
        """Record events, each of a run of its own unless it is named."""
        for _ in range(times):
            position = len(self.log.log) + 1
            of_run = run_id or uuid4()
            recorded = draft(event or created(run_id=of_run), version=position, run_id=of_run)
            self.log.log.append(replace(recorded, position=position, meta=meta(tenant=tenant)))

    @contextmanager
    def follow(self, tenant: str = ADA, *, after: int = 0) -> Iterator[TenantSubscription]:
        with self.broadcaster.follow_tenant(tenant, after=after) as subscription:
            yield subscription

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 -- a poll with a deadline
                await asyncio.sleep(0.001)

    async def reader_at(self, position: int) -> None:
        """Wait until the process has read so far."""
        await self.until(lambda: self.broadcaster._position == position)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with world.broadcaster.running():
        yield world
    await world.until(lambda: world.log.readers == 0)


async def taken(subscription: TenantSubscription, goal: int) -> list[int]:
    """Take frames until nothing up to a position is missing."""
    frames: list[int] = []
    async with asyncio.timeout(30):
        while subscription.position < goal:
            frames += [frame.position for frame in (await subscription.next()).frames]
    return frames


async def test_all_clients_of_a_tenant_share_one_reader_and_what_it_encoded(world: World) -> None:
    with world.follow() as first, world.follow() as second, world.follow(BOB) as bob:
        await world.reader_at(0)
        for tenant in (ADA, BOB, "user:cleo", ADA):
            world.happens(tenant)

        await world.reader_at(4)
        assert [await taken(s, 4) for s in (first, second, bob)] == [[1, 4], [1, 4], [2]]

    assert (world.log.opened, world.encoded) == (1, [1, 2, 4])


@pytest.mark.parametrize("after", range(9))
async def test_who_comes_late_receives_what_was_missed_then_what_happens(
    world: World, after: int
) -> None:
    """From the log, page by page, then from the channel, which holds what came after 5."""
    world.happens(times=3)
    world.happens(BOB)
    world.happens()
    with world.follow(after=5):
        await world.reader_at(5)
        world.happens(times=3)
        await world.reader_at(8)
        with world.follow(after=after) as late:
            world.happens()
            assert await taken(late, 9) == [p for p in range(after + 1, 10) if p != 4]


@pytest.mark.parametrize(("missed", "opened"), [(RING, 1), (RING + 1, 2)])
async def test_a_reader_begins_where_its_first_clients_are_if_that_is_near(
    world: World, missed: int, opened: int
) -> None:
    """So those who come back after a restart need no other reader."""
    world.happens(times=20)
    with world.follow(after=20 - missed) as back, world.follow(after=0) as far:
        story = await taken(back, 20)
        with_readers = world.log.opened
        assert await taken(far, 20) == list(range(1, 21))

    assert story == list(range(21 - missed, 21))
    assert (with_readers > 1) is (opened > 1)


async def test_a_slow_client_holds_nothing_and_receives_the_rest_from_the_log(
    world: World,
) -> None:
    with world.follow() as slow:
        await world.reader_at(0)
        most = 5 * RING
        world.happens(times=most)
        await world.reader_at(most)

        [channel] = world.broadcaster._channels.values()
        assert len(channel._frames) == RING
        assert await taken(slow, most) == list(range(1, most + 1))
        assert world.log.opened > 1


async def test_a_client_knows_how_far_it_has_come_though_nothing_happened_to_its_tenant(
    world: World,
) -> None:
    with world.follow() as mine:
        await world.reader_at(0)
        world.happens(BOB, times=3 * RING)
        await world.reader_at(3 * RING)
        mine.beat()

        piece = await mine.next()

        assert ([*piece.frames], piece.beat, mine.position) == ([], True, 3 * RING)
        assert world.log.opened == 1


async def test_what_the_channel_does_not_hold_may_be_skipped(world: World) -> None:
    with world.follow() as quick:
        await world.reader_at(0)
        world.happens(times=RING + 1)
        await world.reader_at(RING + 1)

        piece = await quick.next_recent()
        world.happens()
        await world.reader_at(RING + 2)
        after = await quick.next_recent()

    assert (piece.skipped, [*piece.frames], quick.position) == (True, [], RING + 2)
    assert ([f.position for f in after.frames], after.skipped) == ([RING + 2], False)
    assert world.log.opened == 1


async def test_what_an_erased_run_said_before_is_not_shown_any_more(world: World) -> None:
    """Neither from the channel, to a client that has not taken it yet, nor from the log."""
    with world.follow() as slow:
        await world.reader_at(0)
        world.happens(run_id=RUN_ID)
        world.happens(run_id=RUN_ID, event=uploaded(name="private"))
        world.happens()
        await world.reader_at(3)
        erased = RunDataErased(reason="request", by="ada", at=NOW)
        world.happens(run_id=RUN_ID, event=erased)
        await world.reader_at(4)

        seen = [frame.data for frame in (await slow.next()).frames]
        while slow.position < 4:
            seen += [frame.data for frame in (await slow.next()).frames]
        with world.follow() as late:
            again: list[bytes] = []
            while late.position < 4:
                again += [frame.data for frame in (await late.next()).frames]

    assert seen == again == [b"1", b"2", b"3", b"4"]


async def test_a_log_that_is_away_is_waited_for(world: World) -> None:
    world.happens(times=2)
    with world.follow(BOB, after=2):
        await world.reader_at(2)
        world.log.away = True
        with world.follow() as late:
            reading = asyncio.create_task(taken(late, 2))
            await asyncio.sleep(0.03)
            world.log.away = False
            assert await reading == [1, 2]


async def test_a_reader_that_loses_its_place_leaves_nothing_out(world: World) -> None:
    with world.follow() as mine:
        await world.reader_at(0)
        world.log.drops_after = 2
        world.happens(times=4)
        assert await taken(mine, 4) == [1, 2, 3, 4]
        await world.until(lambda: world.log.drops_after is None)


async def test_a_reader_that_breaks_ends_the_streams_and_the_next_begins_anew(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with world.follow() as first:
        await world.until(lambda: world.log.readers == 1)
        world.log.breaks = True
        await world.until(lambda: first.closed)
    world.log.breaks = False
    world.happens()

    with world.follow() as second:
        assert await taken(second, 1) == [1]
    assert [r.msg for r in caplog.records if r.levelname == "ERROR"] == ["broadcaster.broken"]


async def test_what_this_version_cannot_read_is_left_out(world: World) -> None:
    with world.follow() as mine:
        await world.reader_at(0)
        world.log.unreadable.add(1)
        world.happens(times=2)
        assert await taken(mine, 2) == [2]
    with world.follow() as late:
        assert await taken(late, 2) == [2]


async def test_few_pages_are_read_at_once(world: World) -> None:
    most = 3 * RING
    world.happens(times=most)
    with world.follow(BOB, after=most):
        await world.reader_at(most)
        readers: list[int] = []

        async def catches_up() -> list[int]:
            with world.follow() as late:
                seen: list[int] = []
                while late.position < most:
                    seen += [frame.position for frame in (await late.next()).frames]
                    readers.append(world.log.readers)
                return seen

        stories = await asyncio.gather(*(catches_up() for _ in range(20)))

    assert stories == [list(range(1, most + 1))] * 20
    assert max(readers) <= backlogs.READERS + 1


async def test_a_page_that_is_read_ends_with_the_process_at_the_latest(world: World) -> None:
    world.happens(times=2)
    with world.follow(BOB, after=2):
        await world.reader_at(2)
        world.broadcaster._position = 3  # which the page waits for
        with world.follow() as late:
            reading = asyncio.create_task(late.next())
            await world.until(lambda: world.log.readers == 2)
            reading.cancel()
    await asyncio.sleep(0.03)
    assert world.log.readers == 1  # the page goes on without its client; the fixture sees its end


async def test_the_channel_goes_some_time_after_its_last_client(world: World) -> None:
    with world.follow(BOB):
        with world.follow():
            pass
        await world.until(lambda: set(world.broadcaster._channels) == {BOB})


async def test_closing_ends_the_streams_now_and_from_now_on(world: World) -> None:
    with world.follow() as first:
        world.broadcaster.close()
        assert first.closed
    with world.follow() as second:
        assert second.closed
