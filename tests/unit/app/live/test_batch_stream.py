"""A batch's stream in the corners: lost places, silence, erased runs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast
from uuid import UUID

import pytest
from msgspec.structs import replace

from app.live import broadcaster as broadcasting
from app.live.batch_stream import BatchPiece, Start, follow_batch, start_at
from app.live.broadcaster import Broadcaster
from app.live.frames import Frame
from app.live.progress import ProgressChannels
from events.aggregates import RUN
from events.batch import Batch
from events.ids import batch_run_id
from events.run.commands import CreateRun, EraseRun, FailRun, RunCommand
from events.run.events import RunError, StatusChanged
from infra.event_store import Session
from infra.jetstream.log.aggregates import LogReader
from tests.builders.facts import NOW, RUN_ID, created, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.log import FakeLog, FakeProgress

BATCH_ID = UUID("00000000-0000-4000-8000-00000000000b")
ENOUGH = 5.0


class World:
    """A batch of runs in a log in memory, and those who follow it."""

    def __init__(self, runs: int) -> None:
        self.store = MemoryEventStore()
        self.log = FakeLog(self.store.log)
        self.broadcaster = Broadcaster(
            self.log,
            ProgressChannels(FakeProgress()),
            frame_of=lambda recorded: Frame(recorded=recorded, data=b""),
        )
        self.batch = Batch(
            id=BATCH_ID,
            user_id="ada",
            org_id=None,
            deployments=(RUN_ID,),
            total=runs,
            request_hash="hash",
            rerun=None,
            created_at=NOW,
        )
        self._runs = [Session(self.store, RUN, run_id) for run_id in self.batch.run_ids]

    async def start(self, after: int | None) -> Start:
        return await start_at(cast("LogReader", self.log), self.store, self.batch, after)

    def follow(self, start: Start) -> AsyncGenerator[BatchPiece, None]:
        return follow_batch(self.broadcaster, start)

    async def happens(self, index: int, command: RunCommand) -> None:
        """Record it."""
        await self._runs[index].execute(command, meta())

    async def born(self, index: int) -> None:
        run_id = batch_run_id(BATCH_ID, index)
        await self.happens(index, CreateRun(created=created(run_id=run_id)))

    async def fails(self, index: int) -> None:
        error = RunError(code="node_failed", message="what the caller wrote")
        await self.happens(index, FailRun(error=error, now=NOW))

    async def seen(self, after: int | None = None) -> list[BatchPiece]:
        """Follow to the end."""
        start = await self.start(after)
        async with asyncio.timeout(ENOUGH), aclosing(self.follow(start)) as pieces:
            return [piece async for piece in pieces]


def events(pieces: Sequence[BatchPiece]) -> list[int]:
    return [frame.position for piece in pieces for frame in piece.frames]


Worlds = Callable[[int], "World"]


@pytest.fixture
async def worlds(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worlds]:
    """Make batches of so many runs, whose streams stop at the end."""
    monkeypatch.setattr(broadcasting, "LINGER", 0.01)
    monkeypatch.setattr(broadcasting, "RECONNECT", 0.01)
    made: list[World] = []

    def make(runs: int) -> World:
        made.append(World(runs))
        return made[-1]

    yield make
    async with AsyncExitStack() as exits:
        for world in made:
            await exits.enter_async_context(world.broadcaster.running())


async def test_a_reader_that_loses_its_place_goes_on_where_it_was(worlds: Worlds) -> None:
    world = worlds(2)
    for index in range(2):
        await world.born(index)
    for index in range(2):
        await world.fails(index)
    world.log.drops_after = 3

    pieces = await world.seen(after=0)

    assert events(pieces) == [1, 2, 3, 4]
    assert pieces[-1].counts is not None
    assert pieces[-1].counts.done


async def test_silence_is_broken_by_empty_pieces(worlds: Worlds) -> None:
    world = worlds(1)
    await world.born(0)
    start = await world.start(None)

    async def beat_twice() -> None:
        for _ in range(2):
            await asyncio.sleep(0.01)
            [subscription] = world.broadcaster._subscriptions
            subscription.beat()

    beating = asyncio.create_task(beat_twice())
    async with asyncio.timeout(ENOUGH), aclosing(world.follow(start)) as pieces:
        first, second = await anext(pieces), await anext(pieces)
    await beating

    assert [(p.frames, p.counts) for p in (first, second)] == [([], None), ([], None)]


async def test_a_client_that_goes_takes_its_reader_with_it(worlds: Worlds) -> None:
    world = worlds(1)
    await world.born(0)
    start = await world.start(0)

    async with aclosing(world.follow(start)) as pieces:
        await anext(pieces)
        during = world.log.readers
    async with asyncio.timeout(ENOUGH):
        while world.log.readers:  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0.001)

    assert during >= 1


async def test_a_process_that_stops_ends_the_stream(worlds: Worlds) -> None:
    world = worlds(1)
    await world.born(0)
    world.broadcaster.close()

    assert await world.seen(after=0) == []


async def test_what_was_erased_later_is_not_told_from_before_either(worlds: Worlds) -> None:
    world = worlds(2)
    for index in range(2):
        await world.born(index)
        await world.fails(index)
    await world.happens(0, EraseRun(reason="request", by="ada", now=NOW))

    pieces = await world.seen(after=1)

    ends: list[Any] = [f.recorded.event for piece in pieces for f in piece.frames]
    messages = [e.error.message for e in ends if isinstance(e, StatusChanged) and e.error]
    assert messages == ["", "what the caller wrote"]


async def test_where_a_stream_begins_depends_on_the_position_alone(worlds: Worlds) -> None:
    world = worlds(2)
    for index in range(2):
        await world.born(index)
    await world.fails(0)

    early = await world.start(1)
    now = await world.start(None)
    beyond = await world.start(99)

    assert early.status.counts["not-started"] == 2
    assert now.status.counts["failed"] == 1
    assert (now.status.position, beyond.status.position) == (3, 3)
    assert replace(beyond, tally=now.tally) == now
