"""Following the log: one reader, however many clients, and a slow one holds up nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from app.live import broadcaster as broadcasting
from app.live import progress as progressing
from app.live import subscription as subscribing
from app.live.broadcaster import Broadcaster
from app.live.frames import Frame
from app.live.progress import ProgressChannels
from app.live.subscription import QUEUED_EVENTS, Piece, Subscription, Topic
from events.aggregates import RUN
from events.codec import UnreadableEvent
from events.envelope import AnyRecorded
from tests.builders.facts import RUN_ID, created, draft
from tests.fakes.log import FakeLog, FakeProgress

OTHER_ID = uuid4()
NOTHING = Piece(frames=[], progress=None, beat=False)
OF_RUN = Topic(aggregates=[RUN.name(RUN_ID)], progress_of=RUN_ID)
OF_OTHER = Topic(aggregates=[RUN.name(OTHER_ID)], progress_of=OTHER_ID)
OF_BOTH = Topic(aggregates=[RUN.name(RUN_ID), RUN.name(OTHER_ID)], patient=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (broadcasting, progressing):
        monkeypatch.setattr(module, "LINGER", 0.01)
    for module in (broadcasting, subscribing):
        monkeypatch.setattr(module, "RECONNECT", 0.01)


class World:
    """A log in memory, and a process that follows it."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.progress = FakeProgress()
        self.encoded: list[int] = []
        self.cut: list[str] = []
        self.broadcaster = Broadcaster(
            self.log,
            ProgressChannels(self.progress),
            frame_of=self.frame_of,
            too_slow=lambda: self.cut.append("slow"),
        )

    def frame_of(self, recorded: AnyRecorded) -> Frame:
        self.encoded.append(recorded.position)
        return Frame(recorded=recorded, data=b"event %d" % recorded.position)

    def happens(self, run_id: UUID = RUN_ID, *, times: int = 1) -> None:
        """Record events."""
        for _ in range(times):
            position = len(self.log.log) + 1
            event = draft(created(run_id=run_id), version=position, run_id=run_id)
            self.log.log.append(replace(event, position=position))

    @contextmanager
    def follow(self, topic: Topic = OF_RUN, *, after: int = 0) -> Iterator[Subscription]:
        with self.broadcaster.follow(topic, after=after) as subscription:
            yield subscription

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 -- a poll with a deadline
                await asyncio.sleep(0.001)

    async def reader_at(self, position: int) -> None:
        """Wait until the process has read so far."""
        await self.until(lambda: (self.broadcaster._position or 0) >= position)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with world.broadcaster.running():
        yield world
    await world.until(lambda: world.log.readers == 0)


async def frames(subscription: Subscription, goal: int) -> list[Frame]:
    """Take frames up to a position."""
    taken: list[Frame] = []
    async with asyncio.timeout(30):
        while not taken or taken[-1].position < goal:
            taken += (await subscription.next()).frames
    return taken


async def positions(subscription: Subscription, goal: int) -> list[int]:
    return [frame.position for frame in await frames(subscription, goal)]


async def test_all_clients_of_a_run_receive_the_same_bytes_of_one_reader(world: World) -> None:
    with world.follow() as first, world.follow() as second, world.follow() as third:
        await world.until(lambda: world.broadcaster._position == 0)
        world.happens()

        taken = [await frames(subscription, 1) for subscription in (first, second, third)]

        assert [[frame.data for frame in part] for part in taken] == [[b"event 1"]] * 3
        assert taken[0][0].data is taken[2][0].data
        assert (world.log.opened, world.encoded) == (1, [1])
        assert world.broadcaster.run_streams == 3


async def test_runs_are_followed_apart(world: World) -> None:
    with world.follow() as mine, world.follow(OF_OTHER) as other, world.follow(OF_BOTH) as both:
        world.happens(RUN_ID)
        world.happens(OTHER_ID)
        world.happens(RUN_ID)

        assert await positions(mine, 3) == [1, 3]
        assert await positions(other, 2) == [2]
        assert await positions(both, 3) == [1, 2, 3]


async def test_what_nobody_follows_is_not_encoded(world: World) -> None:
    with world.follow() as mine:
        await world.until(lambda: world.broadcaster._position == 0)
        world.happens(OTHER_ID, times=3)
        world.happens(RUN_ID)

        assert await positions(mine, 4) == [4]
        assert world.encoded == [4]


@pytest.mark.parametrize("after", range(6))
async def test_who_comes_late_receives_what_was_missed_then_what_happens(
    world: World, after: int
) -> None:
    world.happens(times=3)
    with world.follow(OF_OTHER):
        await world.reader_at(3)
        world.happens(OTHER_ID)
        world.happens(times=2)
        with world.follow(OF_BOTH, after=after) as late:
            world.happens()
            assert await positions(late, 7) == list(range(after + 1, 8))


async def test_what_happens_while_the_log_is_read_comes_after_it(world: World) -> None:
    world.happens(times=3)
    with world.follow(OF_OTHER):
        await world.reader_at(3)
        with world.follow() as late:
            assert await late.next(0.001) == NOTHING
            world.happens(times=3)
            await world.reader_at(6)
            assert await positions(late, 6) == [1, 2, 3, 4, 5, 6]


async def test_a_slow_client_is_disconnected_and_the_others_receive_everything(
    world: World,
) -> None:
    received: list[int] = []
    with world.follow() as slow, world.follow() as quick:
        await world.until(lambda: world.broadcaster._position == 0)
        for most in (QUEUED_EVENTS, QUEUED_EVENTS + 20):
            while len(world.log.log) < most:
                world.happens()
                received += await positions(quick, len(world.log.log))
            assert slow.closed is (most > QUEUED_EVENTS)

        assert (quick.closed, world.cut) == (False, ["slow"])
        # What it gets is whole up to where it ends, so that its client can resume from there.
        assert await positions(slow, QUEUED_EVENTS) == list(range(1, QUEUED_EVENTS + 1))
    assert received == list(range(1, QUEUED_EVENTS + 21))


async def test_a_slow_client_that_is_waited_for_receives_the_rest_from_the_log(
    world: World,
) -> None:
    with world.follow(OF_BOTH) as slow:
        await world.until(lambda: world.broadcaster._position == 0)
        most = 3 * QUEUED_EVENTS
        world.happens(times=most)
        await world.reader_at(most)
        assert len(slow._frames) <= QUEUED_EVENTS

        world.happens(OTHER_ID)
        assert await positions(slow, most + 1) == list(range(1, most + 2))
        assert (slow.closed, world.cut) == (False, [])


async def test_newer_progress_takes_the_place_of_older(world: World) -> None:
    with world.follow() as subscription, world.follow(OF_OTHER) as other:
        await world.until(lambda: len(world.progress.listening) == 2)
        world.progress.send(RUN_ID, b"10")
        world.progress.send(RUN_ID, b"20")

        async with asyncio.timeout(30):
            piece = await subscription.next()
        assert piece.progress == b"event: progress\ndata: 20\n\n"
        assert await subscription.next(0.001) == NOTHING
        assert await other.next(0.001) == NOTHING


async def test_progress_is_heard_once_for_all_and_no_longer_than_somebody_follows(
    world: World,
) -> None:
    with world.follow():
        with world.follow():
            await world.until(lambda: len(world.progress.listening) == 1)
        await asyncio.sleep(0.05)
        assert len(world.progress.listening) == 1
    await world.until(lambda: not world.progress.listening)
    with world.follow():
        await world.until(lambda: len(world.progress.listening) == 1)
    assert world.progress.opened == 2


async def test_the_reader_stops_some_time_after_the_last_client(world: World) -> None:
    with world.follow():
        with world.follow():
            pass
        await asyncio.sleep(0.05)
        assert world.log.readers == 1
    await world.until(lambda: world.log.readers == 0)
    world.happens()

    with world.follow() as third:
        assert await positions(third, 1) == [1]
    assert world.log.opened == 3  # the last of them read what was missed


async def test_who_comes_right_after_the_last_has_left_is_served_by_the_same_reader(
    world: World,
) -> None:
    with world.follow():
        await world.until(lambda: world.log.readers == 1)
    with world.follow() as second:
        await asyncio.sleep(0.05)
        world.happens()
        assert await positions(second, 1) == [1]
    assert world.log.opened == 1


async def test_streams_wait_for_a_log_that_is_away_and_miss_nothing(world: World) -> None:
    world.happens()
    world.log.away = True
    with world.follow() as subscription:
        assert await subscription.next(0.02) == NOTHING
        world.happens()
        world.log.away = False
        assert await positions(subscription, 2) == [1, 2]

        world.log.away = True
        world.happens(times=2)
        assert await subscription.next(0.02) == NOTHING
        world.log.away = False
        assert await positions(subscription, 4) == [3, 4]


@pytest.mark.parametrize("lost", [2, 3, 4])
async def test_a_reader_that_loses_its_place_goes_on_where_it_was(world: World, lost: int) -> None:
    world.happens(times=2)
    with world.follow(OF_BOTH) as subscription:
        world.log.drops_after = lost
        world.happens(times=2)
        assert await positions(subscription, 4) == [1, 2, 3, 4]
        await world.until(lambda: world.log.drops_after is None)
        world.happens()
        assert await positions(subscription, 5) == [5]


async def test_a_reader_that_breaks_ends_all_streams_and_the_next_begins_anew(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with world.follow() as first:
        await world.until(lambda: world.log.readers == 1)
        world.log.breaks = True
        await world.until(lambda: first.closed)
    world.log.breaks = False
    world.happens()

    with world.follow() as second:
        assert await positions(second, 1) == [1]
    assert [r.msg for r in caplog.records if r.levelname == "ERROR"] == ["broadcaster.broken"]


async def test_what_was_missed_and_cannot_be_read_breaks_its_stream_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, until: int) -> list[AnyRecorded]:
        raise ZeroDivisionError(until)

    world.happens(OTHER_ID)
    with world.follow(OF_OTHER) as other:
        assert await positions(other, 1) == [1]
        monkeypatch.setattr(world.log, "last_events", broken)
        with world.follow() as late, pytest.raises(ZeroDivisionError):
            await frames(late, 1)
        world.happens(OTHER_ID)
        assert await positions(other, 2) == [2]


async def test_what_this_version_cannot_read_ends_the_stream_of_its_run(world: World) -> None:
    with world.follow() as mine, world.follow(OF_OTHER) as other, world.follow(OF_BOTH) as both:
        await world.until(lambda: world.broadcaster._position == 0)
        world.log.unreadable.add(1)
        world.happens()
        world.happens(OTHER_ID)

        assert await positions(other, 2) == [2]
        assert await positions(both, 2) == [2]
        assert mine.closed
        with world.follow() as again, pytest.raises(UnreadableEvent):
            await frames(again, 1)


async def test_every_client_gets_its_heartbeat(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasting, "HEARTBEAT", 1)
    with world.follow() as subscription:
        async with asyncio.timeout(30):
            assert await subscription.next() == replace(NOTHING, beat=True)
        assert await subscription.next(0.001) == NOTHING


async def test_closing_ends_all_streams_now_and_from_now_on(world: World) -> None:
    with world.follow() as first:
        world.broadcaster.close()
        assert first.closed
        assert await first.next() == NOTHING
    with world.follow() as second:
        assert second.closed
