"""What is private in an erased run is deleted everywhere, and what others use is kept."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace
from nats.aio.client import Client

from consumers.delivery import Later
from consumers.maintenance.retention import AT_ONCE
from consumers.read_models.rebuild import rebuild
from events.aggregates import BATCH, RUN
from events.batch import BatchCreated, RecordStart
from events.codec import type_name_of
from events.run.commands import EraseRun
from events.run.events import ImageUploaded, RunEvent, StatusChanged
from events.run.output import Output
from events.run.state import Run
from events.run.status import Status
from infra.event_store import load
from infra.images.store import InputImages
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.reader import head, read_log
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import GRACE, Tombstones
from infra.postgres import Pool, connect, open_pool
from infra.s3.port import ObjectMissing, StorageUnavailable
from projections.fold import Fold
from projections.queries import find_runs
from projections.schema import create_tables
from tests.builders.facts import claimed, created, draft, later, meta, produced, uploaded
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.object_storage import FakeObjectStorage
from tests.fakes.rendering import silence
from tests.fakes.worker_parts import WorkerParts, erase, sweep

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
    return ImageUploaded(
        role="input",
        name=f"image{number}",
        key=key,
        media_type="image/png",
        bytes=13,
        sha256="0" * 64,
        width=1,
        height=1,
        upload_duration=0.1,
        attempt=0,
        index=-1,
        at=later(0),
    )


@pytest.fixture
async def world(log_client: Client, postgres_url: str) -> AsyncIterator[World]:
    async with AsyncExitStack() as exits:
        async with connect(postgres_url) as connection:
            await create_tables(connection)
        pool = await exits.enter_async_context(open_pool(postgres_url, size=2))
        world = World(log_client, pool, postgres_url)
        world.tools = await worker_tools(
            world.store,
            FakeMachine(),
            world.storage,
            heard=silence,
            private=world.private,
            given_up=world.given_up,
            pool=pool,
            log_end=partial(head, log_client),
            now=lambda: world.now,
        )
        yield world


async def kept(world: World) -> set[str]:
    return {key for key in world.storage.objects if SECRET in key}


async def test_all_that_is_private_is_deleted_and_the_numbers_stay(world: World) -> None:
    run_id = await world.ended_run(OWN)
    await world.ask_to_erase(run_id)
    with pytest.raises(Later):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    await world.follow()

    await erase(run_id, 2, world.tools)

    assert await kept(world) == set()
    assert await world.private.get_inputs(run_id, "hash") is None
    assert await world.private.get_texts(run_id, 1) == {}
    run = await world.run(run_id)
    assert (run.status, run.deleted_at) == (Status.SUCCESS, world.now)
    assert [u.bytes for u in run.uploads.values()] == [10]
    await world.follow()
    async with world.pool.connection() as connection:
        row = (await find_runs(connection, [run_id]))[run_id].row
    assert row.state == run
    assert SECRET not in msgspec.json.encode(row.state).decode()


async def test_erasing_twice_or_without_need_does_nothing(world: World) -> None:
    run_id, other = await world.ended_run(), await world.ended_run()
    await erase(uuid4(), 1, world.tools)
    await erase(other, 1, world.tools)
    assert await world.private.get_inputs(other, "hash") is not None

    await world.ask_to_erase(run_id)
    for _ in range(2):
        await erase(run_id, 1, world.tools)

    types = [entry.type for entry in await world.store.read(RUN.name(run_id))]
    assert types[-2:] == ["run.data_erased.v1", "run.data_deleted.v1"]
    assert await kept(world) == {f"outputs/runs/{other}/{SECRET}"}


async def test_an_image_that_another_run_uses_stays_until_that_is_erased(world: World) -> None:
    first, second = await world.ended_run(SHARED, OWN), await world.ended_run(SHARED)
    await finish(world, first)
    assert await kept(world) == {SHARED, f"outputs/runs/{second}/{SECRET}"}

    await finish(world, second)
    assert await kept(world) == set()


async def test_of_two_runs_erased_at_once_the_shared_image_goes_too(world: World) -> None:
    runs = [await world.ended_run(SHARED), await world.ended_run(SHARED)]
    for run_id in runs:
        await world.ask_to_erase(run_id)
    await world.follow()
    for run_id in runs:
        with pytest.raises(Later):
            await erase(run_id, 1, world.tools)
    world.later_than_grace()

    for run_id in runs:
        await erase(run_id, 2, world.tools)
        await world.follow()

    assert await kept(world) == set()


async def test_a_run_that_found_the_image_just_before_keeps_it(world: World) -> None:
    """It looked at the keys, and its event came into the log after the other run was erased."""
    run_id = await world.ended_run(SHARED)
    await world.ask_to_erase(run_id)
    with pytest.raises(Later):
        await erase(run_id, 1, world.tools)
    # The tables do not know yet that there is another.
    await appended(world, uuid4(), [created(), input_image(SHARED, 0)])
    world.later_than_grace()

    with pytest.raises(Later):
        await erase(run_id, 2, world.tools)
    assert SHARED in await kept(world)

    await world.follow()
    await erase(run_id, 3, world.tools)
    assert SHARED in await kept(world)
    assert (await world.run(run_id)).deleted_at is not None


async def test_tables_that_never_hold_the_whole_log_do_not_stop_an_erasure(world: World) -> None:
    """On a busy day there is always something newer than what the tables have taken in."""
    run_id = await world.ended_run(SHARED)
    await world.ask_to_erase(run_id)
    with pytest.raises(Later):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    looks = 0

    async def busy(_: float) -> None:
        nonlocal looks
        looks += 1
        await world.follow()
        await appended(world, uuid4(), [created()])

    await appended(world, uuid4(), [created()])
    await erase(run_id, 2, replace(world.tools, pause=busy))

    assert (looks, SHARED in await kept(world)) == (1, False)


async def test_runs_that_a_batch_has_promised_keep_their_images(world: World) -> None:
    run_id = await world.ended_run(SHARED)
    batch = BatchCreated(
        batch_id=uuid4(),
        user_id="ada",
        org_id=None,
        targets=(),
        items=(),
        request_hash="hash",
        origin="api",
        at=world.now,
    )
    promise = replace(
        draft(created(), version=1),
        aggregate=BATCH.name(batch.batch_id),
        type=type_name_of(BatchCreated),
        event=batch,
    )
    await world.store.append([promise], expected=0)
    await world.ask_to_erase(run_id)
    with pytest.raises(Later):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    await world.follow()

    with pytest.raises(Later):
        await erase(run_id, 2, world.tools)
    assert SHARED in await kept(world)

    session = await load(world.store, BATCH, batch.batch_id)
    await session.execute(RecordStart(now=world.now), meta())
    await world.follow()
    await erase(run_id, 3, world.tools)
    assert SHARED not in await kept(world)


async def test_a_run_that_comes_later_gets_a_key_of_its_own(world: World) -> None:
    intake = InputImages(
        storage=world.storage, given_up=world.given_up, settings=world.tools.settings
    )
    png = b"\x89PNG\r\n\x1a\n"
    facts: Any = type("Facts", (), {"extension": "png", "media_type": "image/png"})
    facts.width = facts.height = 1
    first = await intake.store(png, facts, tenant="user:ada", name="a", now=world.now)
    await intake.confirm([first])
    await world.given_up.give_up(first.key)

    with pytest.raises(StorageUnavailable):
        await intake.confirm([first])
    second = await intake.store(png, facts, tenant="user:ada", name="a", now=world.now)
    await intake.confirm([second])

    assert second.key != first.key
    await world.storage.delete(first.key)
    assert await world.storage.get_bytes(second.key) == png
    with pytest.raises(ObjectMissing):
        await world.storage.get_bytes(first.key)


async def test_storage_that_is_away_only_postpones(world: World) -> None:
    run_id = await world.ended_run()
    await world.ask_to_erase(run_id)
    world.storage.down = True
    with pytest.raises(Later):
        await erase(run_id, 1, world.tools)
    assert (await world.run(run_id)).deleted_at is None
    world.storage.down = False

    await erase(run_id, 2, world.tools)

    assert await kept(world) == set()


async def test_tables_rebuilt_after_an_erasure_are_the_same_and_hold_nothing_private(
    world: World,
) -> None:
    erased, whole = await world.ended_run(OWN), await world.ended_run(SHARED)
    await finish(world, erased)

    async with connect(world.postgres_url) as connection:
        assert await rebuild(world.client, connection, lambda *_: None) == []
        rows = await find_runs(connection, [erased, whole])
        dump = await connection.execute(
            "SELECT to_jsonb(r)::text || encode(r.state, 'escape') FROM read.run r WHERE id = %s",
            (erased,),
        )
        [(text,)] = await dump.fetchall()
    assert rows[whole].row.state.erased_at is None
    assert rows[erased].row.state.deleted_at is not None
    assert SECRET not in text


async def test_a_sweep_erases_what_has_been_kept_long_enough(world: World) -> None:
    day = timedelta(days=1)
    old = [await world.ended_run(at=world.now - 3 * day) for _ in range(2)]
    young = await world.ended_run(at=world.now - day)
    settings = replace(world.tools.settings, keep_data_days=2.0)
    tools = replace(world.tools, settings=settings)

    assert await sweep(tools) == 2
    assert await sweep(tools) == 0
    await world.follow()
    assert await sweep(tools) == 0

    for run_id in old:
        assert (await world.run(run_id)).erased_at == world.now
        last = (await world.store.read(RUN.name(run_id)))[-1]
        assert (last.event.reason, last.event.by) == ("retention", tools.worker)
    assert (await world.run(young)).erased_at is None


async def test_a_sweep_of_more_runs_than_one_query_gives_misses_none(world: World) -> None:
    for _ in range(AT_ONCE + 5):
        await appended(world, uuid4(), [created(), ended_long_ago()])
    await world.follow()
    settings = replace(world.tools.settings, keep_data_days=1.0)
    tools = replace(world.tools, settings=settings)

    assert await sweep(tools) == AT_ONCE + 5


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
    with pytest.raises(Later):
        await erase(run_id, 1, world.tools)
    world.later_than_grace()
    await world.follow()
    await erase(run_id, 2, world.tools)
    await world.follow()
