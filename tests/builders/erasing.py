"""Ended runs with all that may be private in them, on real NATS and Postgres."""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from consumers.delivery import RetryLater
from events.aggregates import RUN
from events.run.commands import EraseRun
from events.run.events import ImageUploaded, RunEvent, StatusChanged
from events.run.output import Output
from events.run.state import Run
from events.run.status import Status
from infra.event_store import load
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.reader import head, read_log
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import GRACE, Tombstones
from infra.postgres import Pool, connect
from projections.fold import Fold
from tests.builders import run_commands
from tests.builders.facts import claimed, created, draft, later, meta, produced, uploaded
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.worker_parts import WorkerParts, erase

SECRET = "moonlit-otter"

SHARED, OWN = f"inputs/t/{SECRET}-shared.png", f"inputs/t/{SECRET}-own.png"
TEXT = Output(index=1, node_id="10", kind="text", length=13)
FILE = Output(index=0, node_id="9", kind="images", filename=SECRET, name=SECRET)


class World:
    """Real NATS and Postgres, a bucket in memory, and a clock that can be set."""

    def __init__(self, client: Client, pool: Pool, postgres_url: str) -> None:
        self.client = client
        self.pool = pool
        self.postgres_url = postgres_url
        self.store = JetStreamEventStore(client)
        self.storage = FakeObjectStorage()
        self.private = PrivateData(client)
        self.given_up = Tombstones(client)
        self.now = datetime.now(UTC)
        self.tools: WorkerParts

    async def ended_run(self, *keys: str, at: datetime | None = None) -> UUID:
        """Have a run that has ended, with everything that may be private in it."""
        run_id = uuid4()
        ended = StatusChanged(
            status=Status.SUCCESS, reason="complete", attempt=1, machine_id=None, at=at or later(1)
        )
        facts: list[RunEvent] = [
            created(run_id=run_id, has_inputs=True),
            *(input_image(key, number) for number, key in enumerate(keys)),
            claimed(run_id=run_id),
            produced(FILE, TEXT),
            uploaded(name=SECRET),
            ended,
        ]
        drafts = [draft(fact, version=n, run_id=run_id) for n, fact in enumerate(facts, start=1)]
        await self.store.append(drafts, expected=0)
        await self.private.put_inputs(run_id, "hash", {"prompt": SECRET})
        await self.private.put_texts(run_id, 1, {1: SECRET})
        for key in (*keys, f"outputs/runs/{run_id}/{SECRET}"):
            await self.storage.put_bytes(key, SECRET.encode(), "image/png")
        await self.follow()
        return run_id

    async def ask_to_erase(self, run_id: UUID) -> None:
        session = await load(self.store, RUN, run_id)
        command = EraseRun(reason="request", by="user:ada", now=self.now)
        await session.execute(command, meta())

    async def run(self, run_id: UUID) -> Run:
        state = (await load(self.store, RUN, run_id)).state
        assert state is not None
        return state

    async def follow(self) -> None:
        """Bring the tables up to the end of the log."""
        async with connect(self.postgres_url) as connection:
            fold, goal = Fold(connection), await head(self.client)
            await fold.start()
            if fold.position >= goal:
                return
            async with aclosing(read_log(self.client, after=fold.position, limit=100)) as batches:
                async for batch in batches:
                    await fold.apply(batch)
                    if fold.position >= goal:
                        return

    def later_than_grace(self) -> None:
        self.now = datetime.now(UTC) + GRACE + timedelta(seconds=1)


def input_image(key: str, number: int) -> ImageUploaded:
    return replace(run_commands.input_image(f"image{number}"), key=key, bytes=13)


async def kept(world: World) -> set[str]:
    return {key for key in world.storage.objects if SECRET in key}


def ended_long_ago() -> StatusChanged:
    return StatusChanged(
        status=Status.CANCELLED,
        reason="cancelled",
        attempt=0,
        machine_id=None,
        at=datetime(2020, 1, 1, tzinfo=UTC),
    )


async def appended(world: World, run_id: UUID, facts: Sequence[RunEvent]) -> None:
    drafts = [draft(fact, version=n, run_id=run_id) for n, fact in enumerate(facts, start=1)]
    await world.store.append(drafts, expected=0)


async def finish(world: World, run_id: UUID) -> None:
    """Erase a run from the request to the end."""
    world.now = datetime.now(UTC)
    await world.ask_to_erase(run_id)
    with pytest.raises(RetryLater):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    await world.follow()
    await erase(run_id, 2, world.tools)
    await world.follow()
