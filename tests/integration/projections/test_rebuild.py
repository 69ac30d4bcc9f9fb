"""A rebuild gives the same rows, finds and repairs what differs, and disturbs nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from consumers.read_models.projector import Projector
from consumers.read_models.rebuild import rebuild
from events.aggregates import RUN
from events.run.commands import CreateRun
from events.run.events import AttemptLost, RetryScheduled, RunEvent
from events.run.output import Output
from events.subjects import subject
from infra.event_store import Session
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.reader import head, read_log
from infra.jetstream.streams import declared as streams
from infra.postgres import Connection, connect
from infra.telemetry.projector_metrics import ProjectorMetrics
from projections.fold import Fold
from projections.health import quarantine
from projections.queries import find_runs, position
from projections.schema import Difference, RebuildRunning, TablesOutdated, check_tables
from tests.builders.facts import (
    claimed,
    created,
    draft,
    image_output,
    later,
    meta,
    produced,
    uploaded,
)
from tests.golden.examples import recorded_example
from tests.observe.read_tables import rows
from tests.servers.shared import drop_streams


async def fill(client: Client) -> None:
    """Put lives of runs, some other aggregates and some poison into the log."""
    store = JetStreamEventStore(client)
    await live_runs(store, 3)
    await troubled_life(store)
    for name in ("deployment.promoted.v1", "machine.registered.v1"):
        await store.append([replace(recorded_example(name), version=1, id=uuid4())], expected=0)
    await client.request(subject(f"run-{uuid4()}"), b"garbage", headers={"ce-type": "run.x.v1"})


async def live_runs(store: JetStreamEventStore, count: int) -> None:
    for _ in range(count):
        run_id = uuid4()
        facts: list[RunEvent] = [
            created(run_id=run_id),
            claimed(run_id=run_id),
            produced(image_output()),
            uploaded(),
        ]
        drafts = [draft(fact, version=n, run_id=run_id) for n, fact in enumerate(facts, start=1)]
        await store.append(drafts, expected=0)


async def troubled_life(store: JetStreamEventStore) -> None:
    """A run whose machine loses it, which is tried again, stores a file, and fails after all."""
    run_id = uuid4()
    facts: list[RunEvent] = [
        created(run_id=run_id),
        claimed(run_id=run_id),
        AttemptLost(attempt=1, reason="the machine is gone", at=later(2)),
        RetryScheduled(attempt=2, due=later(4), at=later(3)),
        claimed(attempt=2, fence=2, run_id=run_id),
        produced(Output(index=0, node_id="9", kind="audio", filename="a", name="a.flac")),
        recorded_example("run.file_uploaded.v1").event,
        recorded_example("run.attempt_failed.v1").event,
    ]
    drafts = [draft(fact, version=n, run_id=run_id) for n, fact in enumerate(facts, start=1)]
    await store.append(drafts, expected=0)


async def follow(client: Client, connection: Connection) -> None:
    """Bring the live tables up to the end of the log."""
    fold, goal = Fold(connection), await head(client)
    await fold.start()
    async with aclosing(read_log(client, after=fold.position, limit=7)) as batches:
        async for batch in batches:
            await fold.apply(batch)
            if fold.position >= goal:
                return


async def schemas(connection: Connection) -> set[str]:
    query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read%'"
    return {name for (name,) in await (await connection.execute(query)).fetchall()}


def told(done: int, goal: int) -> None:
    assert done <= goal


async def test_rebuilt_tables_equal_the_live_ones_row_by_row(
    log_client: Client, connection: Connection
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    before = await rows(connection)
    assert len(before["run"]) == 4
    assert len(before["quarantine"]) == 1

    differences = await rebuild(log_client, connection, told)

    assert differences == []
    assert await rows(connection) == before
    assert await schemas(connection) == {"read"}


@pytest.mark.parametrize(
    ("harm", "difference"),
    [
        (
            "UPDATE read.run SET state = '{}' WHERE id = (SELECT id FROM read.run LIMIT 1)",
            Difference(table="run", only_live=1, only_rebuilt=1),
        ),
        (
            "DELETE FROM read.machine",
            Difference(table="machine", only_live=0, only_rebuilt=1),
        ),
        (
            "INSERT INTO read.quarantine VALUES ('run-x', 1, 't', 'e')",
            Difference(table="quarantine", only_live=1, only_rebuilt=0),
        ),
    ],
    ids=["changed", "missing", "invented"],
)
async def test_a_live_row_that_differs_is_reported_and_repaired(
    log_client: Client, connection: Connection, harm: str, difference: Difference
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    before = await rows(connection)
    await connection.execute(harm.encode())

    assert await rebuild(log_client, connection, told) == [difference]
    assert await rows(connection) == before


async def test_tables_of_an_older_version_are_replaced(
    log_client: Client, connection: Connection
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    before = await rows(connection)
    await connection.execute("ALTER TABLE read.run DROP COLUMN erased_at")
    await connection.execute("DROP TABLE read.machine")

    assert await rebuild(log_client, connection, told) == [
        Difference(table="run", only_live=4, only_rebuilt=4),
        Difference(table="machine", only_live=0, only_rebuilt=1),
    ]
    assert await rows(connection) == before


async def test_what_differs_is_found_also_when_the_tables_lag_behind_the_log(
    log_client: Client, connection: Connection
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    await connection.execute("DELETE FROM read.machine")
    await live_runs(JetStreamEventStore(log_client), 1)

    differences = await rebuild(log_client, connection, told)

    assert Difference(table="machine", only_live=0, only_rebuilt=1) in differences


async def test_tables_that_knew_nothing_know_everything_after_a_rebuild(
    log_client: Client, connection: Connection
) -> None:
    await fill(log_client)

    await rebuild(log_client, connection, told)

    assert await position(connection) == await head(log_client)
    assert len((await rows(connection))["run"]) == 4
    assert len(await quarantine(connection)) == 1


async def test_tables_that_know_more_than_a_restored_log_forget_it(
    log_client: Client, connection: Connection
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    await drop_streams(log_client)
    await streams.migrate(log_client)
    await live_runs(JetStreamEventStore(log_client), 2)

    async with asyncio.timeout(60):
        differences = await rebuild(log_client, connection, told)

    assert Difference(table="run", only_live=4, only_rebuilt=2) in differences
    assert len((await rows(connection))["run"]) == 2
    assert await position(connection) == await head(log_client)


async def test_a_rebuild_that_was_interrupted_is_simply_done_again(
    log_client: Client, connection: Connection
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    before = await rows(connection)

    def stumble(done: int, goal: int) -> None:
        raise InterruptedError(done, goal)

    with pytest.raises(InterruptedError):
        await rebuild(log_client, connection, stumble)
    assert await rows(connection) == before

    assert await rebuild(log_client, connection, told) == []
    assert await rows(connection) == before


@asynccontextmanager
async def running(*coroutines: Any) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)


async def test_readers_and_the_projector_go_on_through_a_rebuild(  # noqa: PLR0915 -- one story
    log_client: Client, connection: Connection, postgres_url: str
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    run_id: UUID = (await rows(connection))["run"][0][0]
    store = JetStreamEventStore(log_client)
    reads = 0
    enough = asyncio.Event()

    async def read() -> None:
        nonlocal reads
        async with connect(postgres_url) as reader:
            while not enough.is_set():  # The same statement is prepared from the sixth time on.
                assert (await find_runs(reader, [run_id])).keys() == {run_id}
                reads += 1

    async def write() -> None:
        while not enough.is_set():
            new = uuid4()
            session = Session(store, RUN, new, tenant="user:ada")
            await session.execute(CreateRun(created=created(run_id=new)), meta())

    projecting = Projector(log_client, postgres_url, ProjectorMetrics(CollectorRegistry())).run()
    async with running(read(), write(), projecting) as tasks:
        for _ in range(2):
            async with asyncio.timeout(60):
                assert await rebuild(log_client, connection, told) == []
            seen = reads
            async with asyncio.timeout(60):
                while reads < seen + 10:  # noqa: ASYNC110 -- a poll with a deadline
                    await asyncio.sleep(0.01)
        assert [task.done() for task in tasks] == [False] * 3
        enough.set()
        await tasks[1]
        goal = await head(log_client)
        async with asyncio.timeout(60):
            while await position(connection) < goal:  # noqa: ASYNC110 -- a poll with a deadline
                await asyncio.sleep(0.02)

    assert await rebuild(log_client, connection, told) == []


async def test_two_rebuilds_do_not_work_on_the_same_tables(
    log_client: Client, postgres_url: str, connection: Connection
) -> None:
    await fill(log_client)
    async with connect(postgres_url) as other:
        await other.execute("SELECT pg_advisory_lock(7203902)")
        with pytest.raises(RebuildRunning):
            await rebuild(log_client, connection, lambda *_: None)
        await other.execute("SELECT pg_advisory_unlock(7203902)")
    await rebuild(log_client, connection, lambda *_: None)
    assert await position(connection) == await head(log_client)


async def test_tables_of_an_earlier_version_are_found_out_and_rebuilt(
    log_client: Client, postgres_url: str, connection: Connection
) -> None:
    await fill(log_client)
    await follow(log_client, connection)
    await check_tables(connection)
    await connection.execute("ALTER TABLE read.run DROP COLUMN status")
    await connection.execute("COMMENT ON SCHEMA read IS 'an earlier make'")
    with pytest.raises(TablesOutdated):
        await check_tables(connection)
    with pytest.raises(TablesOutdated):
        await Projector(log_client, postgres_url, ProjectorMetrics(CollectorRegistry())).run()
    await rebuild(log_client, connection, lambda *_: None)
    await check_tables(connection)
    assert await position(connection) == await head(log_client)
