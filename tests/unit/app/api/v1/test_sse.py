"""The stream of one run: what was, then what comes, without a gap and nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any, cast
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from typing_extensions import override

from app.api.v1.sse import event_frame, message, progress_message, run_stream
from app.auth.credentials import Credentials
from app.house import House
from app.hub import Hub
from app.quotas import Quotas
from app.rate_limit import RateLimit
from app.reads.batch_rows import BatchRows
from app.reads.recent_writes import RecentWrites
from app.reads.run_rows import RunRows
from app.reads.texts import Texts
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.run.commands import ClaimRun, CreateRun, FailRun, ReportStatus, RunCommand
from events.run.events import RunError
from events.run.status import Status
from infra.event_store import LogUnavailable, Session
from infra.jetstream.health.log import LogCheck
from infra.jetstream.health.system import SystemHealth
from infra.jetstream.live import Live
from infra.jetstream.log.group import LogGroups
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import GivenUpKeys
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import Pool
from infra.s3.port import ObjectStorage
from infra.sealing import Sealer
from infra.settings.settings import Settings, Spaces
from infra.telemetry.api_metrics import ApiMetrics
from tests.builders import MACHINE_ID, NOW, RUN_ID, SEAL_KEY, created, meta
from tests.fake_live import FakeLive
from tests.fake_private_data import FakePrivateData
from tests.memory_event_store import MemoryEventStore

NAME = RUN.name(RUN_ID)
SETTINGS = Settings(
    nats_url="",
    postgres_url="",
    jwt_secret="s" * 32,
    seal_keys=SEAL_KEY,
    spaces=Spaces(endpoint="", endpoint_cdn="http://s3", bucket="b", key="k", secret="s"),
)
CREATE = CreateRun(created=created())
CLAIM = ClaimRun(machine_id=MACHINE_ID, worker="w", now=NOW)
RUNNING = ReportStatus(fence=1, status=Status.RUNNING, now=NOW)
FAIL = FailRun(error=RunError(code="node_failed", message="no"), now=NOW, attempt=1)

Told = tuple[int | None, str]


class FlakyStore(MemoryEventStore):
    """The same log, which does not answer reads while it is away."""

    away = False

    @override
    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        if self.away:
            raise LogUnavailable("away")
        return await super().read(aggregate, after=after)


class NoRows:
    """A Postgres that knows nothing."""

    async def get(self, _: object) -> None:
        """Find no row."""


class World:
    """A run in a log in memory, and the process that streams it."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.reads = FlakyStore()
        self.reads.log = self.store.log
        self.live = FakeLive()
        self.hub = Hub(
            cast("Live", self.live),
            frame_of=partial(event_frame, spaces=SETTINGS.spaces),
            progress_of=progress_message,
        )
        self.house = House(
            settings=SETTINGS,
            store=self.reads,
            private=cast("PrivateData", None),
            given_up=cast("GivenUpKeys", None),
            texts=Texts(cast("PrivateData", FakePrivateData())),
            storage=cast("ObjectStorage", None),
            pool=cast("Pool", None),
            run_rows=cast("RunRows", NoRows()),
            batch_rows=cast("BatchRows", None),
            log_groups=cast("LogGroups", None),
            hub=self.hub,
            credentials=cast("Credentials", None),
            recent_runs=RecentWrites(),
            recent_batches=RecentWrites(),
            system=cast("SystemHealth", None),
            log_check=cast("LogCheck", None),
            metrics=ApiMetrics(CollectorRegistry()),
            address_limit=cast("RateLimit", None),
            credential_limit=cast("RateLimit", None),
            quotas=cast("Quotas", None),
            sealer=Sealer(SEAL_KEY),
            work=cast("WorkQueue", None),
            now=lambda: NOW,
            new_id=uuid4,
        )
        self._session = Session(self.store, RUN, RUN_ID)

    async def happens(self, command: RunCommand, *, told: bool = True) -> None:
        """Record it; the live copies may be lost."""
        previous = self._session.position
        for recorded in await self._session.execute(command, meta()):
            if told and NAME in self.live.listening:
                self.live.tell(recorded, previous)
            previous = recorded.position

    def stream(self, after: int | None = None) -> AsyncIterator[bytes]:
        return run_stream(self.house, list(self.store.log), after)

    @property
    def ids(self) -> list[int]:
        """Every position of the log."""
        return [recorded.position for recorded in self.store.log]


@pytest.fixture
async def world() -> World:
    world = World()
    await world.happens(CREATE)
    return world


def messages(data: bytes) -> list[Told]:
    """Give id and name of each message, leaving comments and the greeting out."""
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
        async with asyncio.timeout(5):
            while text not in self.data:  # noqa: ASYNC110 -- a poll with a deadline
                await asyncio.sleep(0)

    async def rest(self) -> list[Told]:
        """Read to the end."""
        async with asyncio.timeout(5):
            await self._task
        return messages(self.data)


async def followed(world: World, after: int | None = None) -> Reader:
    """Follow the run until the process listens and has looked into the log again."""
    reader = Reader(world.stream(after))
    async with asyncio.timeout(5):
        while NAME not in world.live.listening:  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    return reader


def test_messages_are_written_as_the_standard_wants_them() -> None:
    assert message("a", b"{}", position=7) == b"id: 7\nevent: a\ndata: {}\n\n"
    assert message("a", b"{}") == b"event: a\ndata: {}\n\n"
    assert progress_message(b"{}") == b"event: progress\ndata: {}\n\n"


async def test_an_event_that_ends_the_run_is_followed_by_done(world: World) -> None:
    await world.happens(FailRun(error=FAIL.error, now=NOW))
    last = world.store.log[-1]

    frame = event_frame(last, 1, SETTINGS.spaces)

    assert (frame.position, frame.previous, frame.ends) == (last.position, 1, True)
    assert messages(frame.data) == [
        (last.position, "run.status_changed"),
        (last.position, "done"),
    ]
    done = frame.data.split(b"\n\n")[1]
    assert done == (
        b'id: %d\nevent: done\ndata: {"run_id":"%s","status":"failed","position":"%d"}'
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
    assert world.house.recent_runs.position(RUN_ID) == world.ids[-1]
    assert world.hub.followers == 0


async def test_who_comes_back_receives_exactly_what_was_missed(world: World) -> None:
    for command in (CLAIM, RUNNING, FAIL):
        await world.happens(command)

    for after in world.ids[:-1]:
        told = await Reader(world.stream(after)).rest()
        assert [p for p, name in told if name != "done"] == [p for p in world.ids if p > after]
        assert told[-1] == (world.ids[-1], "done")
    assert world.live.opened == 0


async def test_the_snapshot_of_an_ended_run_is_followed_by_done(world: World) -> None:
    await world.happens(FailRun(error=FAIL.error, now=NOW))
    last = world.ids[-1]

    assert await Reader(world.stream()).rest() == [(last, "snapshot"), (last, "done")]


async def test_what_happens_before_the_process_listens_is_not_lost(world: World) -> None:
    stream = world.stream()
    await world.happens(CLAIM)

    reader = Reader(stream)
    await reader.has(b"id: 2\n")
    await world.happens(FAIL)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids


@pytest.mark.parametrize("lost", [1, 2])
async def test_copies_that_were_lost_are_read_from_the_log(world: World, lost: int) -> None:
    reader = await followed(world)
    commands: tuple[RunCommand, ...] = (CLAIM, RUNNING, FAIL)
    for number, command in enumerate(commands):
        await world.happens(command, told=number >= lost)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids
    assert [name for _, name in told].count("done") == 1


async def test_nothing_is_lost_when_the_log_is_away_while_a_gap_is_found(world: World) -> None:
    reader = await followed(world)
    world.reads.away = True
    await world.happens(CLAIM, told=False)
    await world.happens(RUNNING)
    for _ in range(20):
        await asyncio.sleep(0)
    assert messages(reader.data) == [(1, "snapshot")]

    world.reads.away = False
    [follower] = world.hub._channels[NAME].followers
    follower.beat()
    await reader.has(b"id: 3\n")
    await world.happens(FAIL)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids


async def test_copies_that_come_twice_or_late_are_told_once(world: World) -> None:
    reader = await followed(world)
    await world.happens(CLAIM)
    await reader.has(b"id: 2\n")
    for recorded in world.store.log:
        world.live.tell(recorded, recorded.position - 1)
    await world.happens(FAIL)

    told = await reader.rest()
    assert [p for p, name in told if name != "done"] == world.ids


async def test_progress_is_passed_on_without_an_id(world: World) -> None:
    reader = await followed(world)
    world.live.tell_progress(NAME, b'{"percent":5}')

    await reader.has(b'event: progress\ndata: {"percent":5}\n\n')
    assert messages(reader.data)[-1] == (None, "progress")
    world.hub.close()
    await reader.rest()


async def test_a_beat_is_a_comment_and_only_sent_when_there_is_nothing_else(world: World) -> None:
    reader = await followed(world)
    [follower] = world.hub._channels[NAME].followers

    follower.beat()
    await reader.has(b"\n\n: ")
    before = reader.data
    follower.beat()
    follower.offer_progress(progress_message(b"{}"))
    await reader.has(b"event: progress")

    assert reader.data == before + progress_message(b"{}")
    assert messages(before) == [(1, "snapshot")]
    # An empty line behind it would be a message without data to some clients.
    assert before.endswith(b"\n\n: still here\n")
    world.hub.close()
    await reader.rest()


async def test_a_process_that_stops_ends_its_streams_without_done(world: World) -> None:
    reader = await followed(world)
    world.hub.close()

    assert await reader.rest() == [(1, "snapshot")]
    assert world.hub.followers == 0
