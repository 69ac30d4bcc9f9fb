"""A batch's stream in the corners: lost places, silence, erased runs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

from app import batch_stream
from app.batch_stream import Piece, follow_batch, start_at
from app.house import House
from events.aggregates import RUN
from events.batch import Batch
from events.envelope import AnyRecorded
from events.ids import batch_run_id
from events.run.commands import CreateRun, EraseRun, FailRun, RunCommand
from events.run.events import RunError, StatusChanged
from infra.event_store import Session
from infra.jetstream.log.reader import LogInterrupted
from tests.builders import NOW, RUN_ID, created, meta
from tests.memory_event_store import MemoryEventStore

BATCH_ID = UUID("00000000-0000-4000-8000-00000000000b")
ENOUGH = 5.0


class FakeGroups:
    """The log in memory; it may lose its readers."""

    def __init__(self, log: list[AnyRecorded]) -> None:
        self.log = log
        self.drops_after: int | None = None
        """Events after which the next reader loses its place."""

        self.readers = 0

    async def head(self) -> int:
        """Give the last position."""
        return len(self.log)

    async def last_events(self, aggregates: Sequence[str], *, until: int) -> list[AnyRecorded]:
        """Give the last event of each."""
        last = {recorded.aggregate: recorded for recorded in self.log[:until]}
        return [last[name] for name in aggregates if name in last]

    async def follow(
        self, aggregates: Sequence[str], *, after: int, limit: int
    ) -> AsyncGenerator[list[AnyRecorded], None]:
        """Yield one event at a time, then wait."""
        self.readers += 1
        assert limit > 0
        try:
            told = after
            while True:
                for recorded in [e for e in self.log[told:] if e.aggregate in aggregates]:
                    if self.drops_after == recorded.position:
                        self.drops_after = None
                        raise LogInterrupted("dropped")
                    yield [recorded]
                    told = recorded.position
                await asyncio.sleep(0.001)
        finally:
            self.readers -= 1


class FakeHub:
    """Knows whether the process is about to stop."""

    closed = False


class FakeHouse(Struct):
    """What a stream reaches for."""

    store: MemoryEventStore
    log_groups: FakeGroups
    hub: FakeHub


class World:
    """A batch of runs in a log in memory, and those who follow it."""

    def __init__(self, runs: int) -> None:
        self.store = MemoryEventStore()
        self.groups = FakeGroups(self.store.log)
        self.hub = FakeHub()
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

    @property
    def house(self) -> House:
        """What the stream is given."""
        return cast("House", FakeHouse(self.store, self.groups, self.hub))

    async def happens(self, index: int, command: RunCommand) -> None:
        """Record it."""
        await self._runs[index].execute(command, meta())

    async def born(self, index: int) -> None:
        run_id = batch_run_id(BATCH_ID, index)
        await self.happens(index, CreateRun(created=created(run_id=run_id)))

    async def fails(self, index: int) -> None:
        error = RunError(code="node_failed", message="what the caller wrote")
        await self.happens(index, FailRun(error=error, now=NOW))

    async def seen(self, after: int | None = None) -> list[Piece]:
        """Follow to the end."""
        start = await start_at(self.house, self.batch, after)
        async with asyncio.timeout(ENOUGH), aclosing(follow_batch(self.house, start)) as pieces:
            return [piece async for piece in pieces]


def events(pieces: Sequence[Piece]) -> list[int]:
    return [event.position for piece in pieces for event in piece.events]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"HEARTBEAT": 0.05, "LOOK_EVERY": 0.01, "RECONNECT": 0.01}.items():
        monkeypatch.setattr(batch_stream, name, seconds)


async def test_a_reader_that_loses_its_place_goes_on_where_it_was() -> None:
    world = World(2)
    for index in range(2):
        await world.born(index)
    for index in range(2):
        await world.fails(index)
    world.groups.drops_after = 3

    pieces = await world.seen(after=0)

    assert events(pieces) == [1, 2, 3, 4]
    assert pieces[-1].counts is not None
    assert pieces[-1].counts.done


async def test_silence_is_broken_by_empty_pieces() -> None:
    world = World(1)
    await world.born(0)
    start = await start_at(world.house, world.batch, None)

    async with asyncio.timeout(ENOUGH), aclosing(follow_batch(world.house, start)) as pieces:
        first, second = await anext(pieces), await anext(pieces)

    assert [(p.events, p.counts) for p in (first, second)] == [([], None), ([], None)]


async def test_a_client_that_goes_takes_its_reader_with_it() -> None:
    world = World(1)
    await world.born(0)
    start = await start_at(world.house, world.batch, 0)

    async with aclosing(follow_batch(world.house, start)) as pieces:
        await anext(pieces)
        during = world.groups.readers
    await asyncio.sleep(0.01)

    assert (during, world.groups.readers) == (1, 0)


async def test_a_process_that_stops_ends_the_stream() -> None:
    world = World(1)
    await world.born(0)
    world.hub.closed = True

    assert await world.seen(after=0) == []


async def test_what_was_erased_later_is_not_told_from_before_either() -> None:
    world = World(2)
    for index in range(2):
        await world.born(index)
        await world.fails(index)
    await world.happens(0, EraseRun(reason="request", by="ada", now=NOW))

    pieces = await world.seen(after=1)

    ends: list[Any] = [e.event for piece in pieces for e in piece.events]
    messages = [e.error.message for e in ends if isinstance(e, StatusChanged) and e.error]
    assert messages == ["", "what the caller wrote"]


async def test_where_a_stream_begins_depends_on_the_position_alone() -> None:
    world = World(2)
    for index in range(2):
        await world.born(index)
    await world.fails(0)

    early = await start_at(world.house, world.batch, 1)
    now = await start_at(world.house, world.batch, None)
    beyond = await start_at(world.house, world.batch, 99)

    assert early.standing.counts["not-started"] == 2
    assert now.standing.counts["failed"] == 1
    assert (now.standing.position, beyond.standing.position) == (3, 3)
    assert replace(beyond, tally=now.tally) == now
