"""The stream of one run: what was, then what comes, without a gap and nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest

from app.api.v1.runs.event_views import event_frame, run_snapshot
from app.api.v1.runs.views import run_view
from app.live import subscription as subscribing
from app.live.broadcaster import Broadcaster
from app.live.frames import message, progress_message
from app.live.progress import ProgressChannels
from app.live.run_stream import run_stream
from app.live.subscription import Subscription
from events.aggregates import RUN
from events.run.commands import ClaimRun, CreateRun, FailRun, ReportStatus, RunCommand
from events.run.events import RunError
from events.run.status import Status
from infra.event_store import Session
from infra.settings.settings import Spaces
from tests.builders.facts import MACHINE_ID, NOW, RUN_ID, created, meta
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.log import FakeLog, FakeProgress

SPACES = Spaces(endpoint="", endpoint_cdn="http://s3", bucket="b", key="k", secret="s")
CREATE = CreateRun(created=created())
CLAIM = ClaimRun(machine_id=MACHINE_ID, worker="w", now=NOW)
RUNNING = ReportStatus(fence=1, status=Status.RUNNING, now=NOW)
FAIL = FailRun(error=RunError(code="node_failed", message="no"), now=NOW, attempt=1)

Told = tuple[int | None, str]


class World:
    """A run in a log in memory, and the process that streams it."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.log = FakeLog(self.store.log)
        self.progress = FakeProgress()
        self.broadcaster = Broadcaster(
            self.log,
            ProgressChannels(self.progress),
            frame_of=partial(event_frame, spaces=SPACES),
        )
        self.noted: list[int] = []
        self._session = Session(self.store, RUN, RUN_ID)

    async def happens(self, command: RunCommand) -> None:
        """Record it."""
        await self._session.execute(command, meta())

    def stream(self, after: int | None = None) -> AsyncIterator[bytes]:
        return run_stream(
            self.broadcaster,
            list(self.store.log),
            after=after,
            snapshot=message("snapshot", b"{}", position=len(self.store.log)),
            note=lambda _, position: self.noted.append(position),
        )

    @property
    def followed(self) -> Subscription:
        """The one subscription there is."""
        [subscription] = self.broadcaster._subscriptions
        return subscription

    @property
    def ids(self) -> list[int]:
        """Every position of the log."""
        return [recorded.position for recorded in self.store.log]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.happens(CREATE)
    async with world.broadcaster.running():
        yield world


def messages(data: bytes) -> list[Told]:
    """Return id and name of each message, leaving comments and the greeting out."""
    found: list[Told] = []
    for block in data.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if "event" in fields:
            json.loads(fields["data"])
            found.append((int(fields["id"]) if "id" in fields else None, fields["event"]))
    return found


class Reader:
    """A client that collects what it is sent."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self.data = b""
        self.ended = False
        self._task = asyncio.create_task(self._read(stream))

    async def _read(self, stream: Any) -> None:
        async with aclosing(stream):
            async for chunk in stream:
                self.data += chunk
        self.ended = True

    async def has(self, text: bytes) -> None:
        """Wait until *text* was received."""
        async with asyncio.timeout(30):
            while text not in self.data:  # noqa: ASYNC110 -- a poll with a deadline
                await asyncio.sleep(0)

    async def rest(self) -> list[Told]:
        """Read to the end."""
        async with asyncio.timeout(30):
            await self._task
        return messages(self.data)


async def followed(world: World, after: int | None = None) -> Reader:
    """Follow the run until the process reads the log."""
    reader = Reader(world.stream(after))
    async with asyncio.timeout(30):
        while world.log.readers == 0:  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0)
    return reader


def test_messages_are_written_as_the_standard_wants_them() -> None:
    assert message("a", b"{}", position=7) == b"id: 7\nevent: a\ndata: {}\n\n"
    assert message("a", b"{}") == b"event: a\ndata: {}\n\n"
    assert progress_message(b"{}") == b"event: progress\ndata: {}\n\n"


async def test_an_event_that_ends_the_run_is_followed_by_done(world: World) -> None:
    await world.happens(FailRun(error=FAIL.error, now=NOW))
    last = world.store.log[-1]

    frame = event_frame(last, SPACES)

    assert frame.recorded == last
    assert messages(frame.data) == [(last.position, "run.status_changed")]
    assert messages(frame.end) == [(last.position, "done")]
    assert frame.end == (
        b'id: %d\nevent: done\ndata: {"run_id":"%s","status":"failed","position":"%d"}\n\n'
        % (last.position, str(RUN_ID).encode(), last.position)
    )


async def test_a_stream_begins_with_a_snapshot_and_ends_with_done(world: World) -> None:
    reader = await followed(world)
    await world.happens(CLAIM)
    await world.happens(RUNNING)
    await world.happens(FAIL)

    told = await reader.rest()

    assert reader.data.startswith(b"retry: 2000\nid: 1\nevent: snapshot\n")
    assert told[0] == (1, "snapshot")
    assert told[-1] == (world.ids[-1], "done")
    assert [position for position, _ in told[1:-1]] == world.ids[1:]
    assert reader.ended
    assert (world.noted[0], world.noted[-1]) == (1, world.ids[-1])
    assert world.broadcaster.run_streams == 0


async def test_who_comes_back_receives_exactly_what_was_missed(world: World) -> None:
    for command in (CLAIM, RUNNING, FAIL):
        await world.happens(command)

    for after in world.ids[:-1]:
        told = await Reader(world.stream(after)).rest()
        assert [p for p, name in told if name != "done"] == [p for p in world.ids if p > after]
        assert told[-1] == (world.ids[-1], "done")
    assert world.log.opened == 0


async def test_the_snapshot_of_an_ended_run_is_followed_by_done(world: World) -> None:
    await world.happens(FailRun(error=FAIL.error, now=NOW))
    last = world.ids[-1]
    run = RUN.fold(recorded.event for recorded in world.store.log)
    assert run is not None

    snapshot = run_snapshot(run_view(run, last, SPACES), last)

    assert messages(snapshot) == [(last, "snapshot"), (last, "done")]
    assert await Reader(world.stream()).rest() == [(last, "snapshot")]
    assert world.log.opened == 0


async def test_what_happens_before_the_process_listens_is_not_lost(world: World) -> None:
    stream = world.stream()
    await world.happens(CLAIM)

    reader = Reader(stream)
    await reader.has(b"id: 2\n")
    await world.happens(FAIL)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_what_a_reader_that_lost_its_place_missed_is_read_from_the_log(
    world: World, lost: int
) -> None:
    reader = await followed(world)
    world.log.drops_after = lost
    for command in (CLAIM, RUNNING, FAIL):
        await world.happens(command)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids
    assert [name for _, name in told].count("done") == 1


async def test_nothing_is_lost_while_the_log_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "RECONNECT", 0.01)
    reader = await followed(world)
    world.log.away = True
    world.followed.miss(2)
    await world.happens(CLAIM)
    await world.happens(RUNNING)
    for _ in range(20):
        await asyncio.sleep(0)
    assert messages(reader.data) == [(1, "snapshot")]

    world.log.away = False
    await reader.has(b"id: 3\n")
    await world.happens(FAIL)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids


async def test_events_that_come_twice_are_told_once(world: World) -> None:
    reader = await followed(world)
    await world.happens(CLAIM)
    await reader.has(b"id: 2\n")
    for recorded in world.store.log:
        world.followed.offer(event_frame(recorded, SPACES))
    await world.happens(FAIL)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids


async def test_progress_is_passed_on_without_an_id(world: World) -> None:
    reader = await followed(world)
    world.progress.send(RUN_ID, b'{"percent":5}')

    await reader.has(b'event: progress\ndata: {"percent":5}\n\n')
    assert messages(reader.data)[-1] == (None, "progress")
    world.broadcaster.close()
    await reader.rest()


async def test_a_beat_is_a_comment_and_only_sent_when_there_is_nothing_else(world: World) -> None:
    reader = await followed(world)

    world.followed.beat()
    await reader.has(b"\n\n: ")
    before = reader.data
    world.followed.beat()
    world.followed.offer_progress(progress_message(b"{}"))
    await reader.has(b"event: progress")

    assert reader.data == before + progress_message(b"{}")
    assert messages(before) == [(1, "snapshot")]
    # An empty line behind it would be a message without data to some clients.
    assert before.endswith(b"\n\n: still here\n")
    world.broadcaster.close()
    await reader.rest()


async def test_a_process_that_stops_ends_its_streams_without_done(world: World) -> None:
    reader = await followed(world)
    world.broadcaster.close()

    assert await reader.rest() == [(1, "snapshot")]
    assert world.broadcaster.run_streams == 0
