"""The two streams of a tenant: every event that a client may see and asks for, or what changes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ
from app.live import broadcaster as broadcasting
from app.live import tenant_channel as channels
from app.live import tenant_stream as streams
from app.live.broadcaster import Broadcaster
from app.live.frames import Frame
from app.live.progress import ProgressChannels
from app.live.tenant_stream import Changes, EventsPiece, TenantStreams
from app.reads.runs.recent_writes import RecentWrites
from app.reads.tenant_events import DeploymentsOf, selection
from events.aggregates import RUN
from events.machine.events import MachineDrained
from infra.event_store import LogUnavailable
from infra.jetstream.log.aggregates import LogReader
from infra.telemetry.api_metrics import ApiMetrics
from tests.builders.facts import MACHINE_ID, NOW, OTHER_ID, RUN_ID, claimed, created, draft, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.log import FakeLog, FakeProgress

P = TypeVar("P", EventsPiece, Changes)
MINE, BESIDE = OTHER_ID, UUID("00000000-0000-4000-8000-00000000000d")
ENOUGH = 20.0


class World:
    """A log in memory, and a process with streams."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.log = FakeLog(self.store.log)
        self.recent = RecentWrites()
        self.registry = CollectorRegistry()
        self.waited_for: list[int] = []
        self.tables_follow = asyncio.Event()
        self.tables_follow.set()
        self.broadcaster = Broadcaster(
            self.log,
            ProgressChannels(FakeProgress()),
            frame_of=lambda recorded: Frame(recorded=recorded, data=b""),
        )
        self.streams = TenantStreams(
            self.broadcaster,
            cast("LogReader", self.log),
            DeploymentsOf(self.store),
            {RUN.kind: self.recent},
            self.projected,
            ApiMetrics(self.registry),
        )

    async def projected(self, position: int) -> None:
        self.waited_for.append(position)
        await self.tables_follow.wait()

    def happens(self, run_id: UUID, deployment: UUID = MINE, *, born: bool = True) -> None:
        """Record the birth of a run, or its claim."""
        event = created(run_id=run_id, deployment_id=deployment) if born else claimed()
        self._record(draft(event, version=1 if born else 2, run_id=run_id))

    def machine_happens(self) -> None:
        """Record something about a machine."""
        of_run = draft(created(), version=1)
        name, event = f"machine-{MACHINE_ID}", MachineDrained(at=NOW)
        self._record(replace(of_run, aggregate=name, event=event, type="machine.drained.v1"))

    def _record(self, recorded: Any) -> None:
        position = len(self.log.log) + 1
        self.log.log.append(replace(recorded, position=position, meta=meta()))

    async def start(
        self,
        after: int | None = None,
        *,
        follow: bool = True,
        allowed: frozenset[UUID] = frozenset(),
        **filters: Any,
    ) -> streams.Start:
        caller = Caller(
            user_id="ada", org_id=None, scopes=frozenset({RUNS_READ}), deployments=allowed
        )
        chosen = selection(caller, **filters)
        return await self.streams.start("user:ada", chosen, after=after, follow=follow)

    async def events(self, after: int = 0, **options: Any) -> list[int]:
        """Return the positions of what is there."""
        start = await self.start(after, follow=False, **options)
        pieces = await whole(self.streams.events(start))
        assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        return [frame.position for piece in pieces for frame in piece.frames]


async def whole(pieces: AsyncGenerator[P, None]) -> list[P]:
    async with asyncio.timeout(ENOUGH), aclosing(pieces):
        return [piece async for piece in pieces]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(broadcasting, "LINGER", 0.01)
    monkeypatch.setattr(streams, "RECONNECT", 0.01)
    world = World()
    async with world.broadcaster.running():
        yield world


async def test_a_client_is_sent_what_it_asks_for_and_may_see(world: World) -> None:
    other = uuid4()
    world.happens(RUN_ID)
    world.happens(other, BESIDE)
    world.happens(RUN_ID, born=False)
    world.happens(other, born=False)
    world.machine_happens()

    assert await world.events() == [1, 2, 3, 4, 5]
    assert await world.events(after=2) == [3, 4, 5]
    assert await world.events(types=["run.claimed"]) == [3, 4]
    assert await world.events(types=["machine"]) == [5]
    assert await world.events(runs=[RUN_ID]) == [1, 3]
    assert await world.events(deployments=[BESIDE]) == [2, 4]
    assert await world.events(allowed=frozenset({MINE})) == [1, 3]
    # Of a run whose birth is not in what is read, the log is asked.
    assert await world.events(after=2, allowed=frozenset({MINE})) == [3]
    assert await world.events(after=99) == []


async def test_a_stream_that_ends_leaves_nothing_out_before_the_position_it_ends_with(
    world: World,
) -> None:
    """Also of what happened after it had begun: its client comes back behind that position."""
    world.happens(RUN_ID)
    start = await world.start(0, follow=False)
    still_there = world.broadcaster.follow_tenant("user:ada", after=1)
    with still_there as other:
        world.happens(RUN_ID, born=False)
        while other.position < 2:
            await other.next()
        events = await whole(world.streams.events(start))
        changes = await whole(world.streams.changes(replace(start, after=1)))

    assert [f.position for piece in events for f in piece.frames] == [1, 2]
    assert events[-1].position == 2
    assert [(c.ids, c.position) for c in changes] == [({"run": [str(RUN_ID)]}, 2)]


async def test_rights_wait_for_a_log_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.happens(RUN_ID)
    world.happens(RUN_ID, born=False)
    asked: list[str] = []
    read = world.store.read

    async def away_at_first(aggregate: str, *, after: int = 0) -> Any:
        asked.append(aggregate)
        if len(asked) < 3:
            raise LogUnavailable("away")
        return await read(aggregate, after=after)

    monkeypatch.setattr(world.store, "read", away_at_first)

    assert await world.events(after=1, allowed=frozenset({MINE})) == [2]
    assert len(asked) == 3


async def test_no_other_route_is_older_than_what_a_client_was_sent(world: World) -> None:
    world.happens(RUN_ID)
    world.happens(RUN_ID, born=False)

    assert await world.events() == [1, 2]
    assert world.recent.position(RUN_ID) == 2


async def test_a_stream_without_a_position_begins_now_and_says_where_in_silence(
    world: World,
) -> None:
    world.happens(RUN_ID)
    start = await world.start()
    async with asyncio.timeout(ENOUGH), aclosing(world.streams.events(start)) as pieces:
        coming = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0.01)
        [client] = world.broadcaster._clients()
        client.beat()
        silent = await coming
        world.happens(RUN_ID, born=False)
        news = await anext(pieces)
        clients = world.registry.get_sample_value("comfyd_sse_clients", {"stream": "events"})

    assert start.after == 1
    assert (silent.frames, silent.position) == ([], 1)
    assert [frame.position for frame in news.frames] == [2]
    assert clients == 1


async def test_changes_name_each_thing_once_and_come_at_most_twice_a_second(
    world: World,
) -> None:
    start, other = await world.start(), uuid4()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(ENOUGH), aclosing(world.streams.changes(start)) as pieces:
        coming = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0.01)
        world.happens(RUN_ID)
        first = await coming
        at = loop.time()
        world.happens(RUN_ID, born=False)
        world.happens(other)
        world.machine_happens()
        second = await anext(pieces)
        waited = loop.time() - at

    assert first.ids == {"run": [str(RUN_ID)]}
    assert second.ids == {"run": [str(RUN_ID), str(other)], "machine": [str(MACHINE_ID)]}
    assert (second.position, second.everything) == (4, False)
    assert waited >= streams.CHANGES_EVERY - 0.05


@pytest.mark.parametrize(
    ("clients", "seconds"), [(1, 0.5), (25, 0.5), (26, 0.52), (200, 4.0), (5000, 5.0)]
)
def test_the_more_follow_a_tenant_the_less_often_each_is_sent_changes(
    clients: int, seconds: float
) -> None:
    assert streams.pause(clients) == seconds


async def test_the_pause_between_changes_is_that_of_all_who_follow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def pause(clients: int) -> float:
        asked.append(clients)
        return 0.01

    monkeypatch.setattr(streams, "pause", pause)
    start = await world.start()
    with world.broadcaster.follow_tenant(start.tenant, after=start.after):
        async with asyncio.timeout(ENOUGH), aclosing(world.streams.changes(start)) as pieces:
            coming = asyncio.create_task(anext(pieces))
            await asyncio.sleep(0.01)
            world.happens(RUN_ID)
            await coming
            world.happens(RUN_ID, born=False)
            await anext(pieces)

    assert asked == [2]


async def test_changes_are_said_when_the_tables_know_them(world: World) -> None:
    start = await world.start()
    world.tables_follow.clear()
    async with asyncio.timeout(ENOUGH), aclosing(world.streams.changes(start)) as pieces:
        coming = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0.01)
        world.happens(RUN_ID)
        await asyncio.sleep(0.03)
        assert not coming.done()
        world.tables_follow.set()
        assert (await coming).ids == {"run": [str(RUN_ID)]}
    assert world.waited_for == [1]


async def test_changes_that_are_too_many_to_name_are_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because there are many ids, or because a client comes back long after."""
    monkeypatch.setattr(streams, "MOST_CHANGES", 2)
    monkeypatch.setattr(channels, "RECENT", 0)
    world.happens(RUN_ID)
    [back] = await whole(world.streams.changes(await world.start(0, follow=False)))
    monkeypatch.setattr(channels, "RECENT", 100)
    start = await world.start()
    async with asyncio.timeout(ENOUGH), aclosing(world.streams.changes(start)) as pieces:
        coming = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0.01)
        for _ in range(3):
            world.happens(uuid4())
        many = await coming

    for piece, position in ((back, 1), (many, 4)):
        assert (piece.everything, piece.ids, piece.position) == (True, {}, position)


async def test_changes_never_read_the_log_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "RECENT", 2)
    start = await world.start()
    async with asyncio.timeout(ENOUGH), aclosing(world.streams.changes(start)) as pieces:
        coming = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0.01)
        for _ in range(10):
            world.happens(uuid4())
        assert (await coming).everything
    assert world.log.opened == 1


async def test_a_client_without_the_scope_hears_of_nothing(world: World) -> None:
    world.happens(RUN_ID)
    nothing = replace(await world.start(0, follow=False), selection=selection(_writer()))
    [piece] = await whole(world.streams.events(nothing))
    assert (piece.frames, piece.position, piece.last) == ([], 1, True)


def _writer() -> Caller:
    return Caller(user_id="ada", org_id=None, scopes=frozenset({"runs:write"}))
