"""The read models on a real Postgres: exact through repeats, rollbacks, rivals and poison."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql

from events import aggregates
from events.aggregates import MACHINE, RUN
from events.decider import Decider
from events.envelope import AnyRecorded, Entry, Unreadable
from events.run.events import RunEvent
from infra.postgres import Connection, connect
from projections.fold import Fenced, Fold
from projections.health import Quarantined, quarantine
from projections.queries import position
from projections.tables import TABLES
from tests.builders.facts import (
    MACHINE_ID,
    claimed,
    created,
    draft,
    image_output,
    produced,
    uploaded,
)
from tests.golden.examples import recorded_example
from tests.observe.read_tables import rows


async def started(connection: Connection) -> Fold:
    fold = Fold(connection)
    await fold.start()
    return fold


def logged(*events: AnyRecorded, start: int = 1) -> list[AnyRecorded]:
    """Return the events with positions, as a log numbers them."""
    return [replace(e, position=start + n) for n, e in enumerate(events)]


def life(run_id: UUID) -> list[AnyRecorded]:
    facts: list[RunEvent] = [
        created(run_id=run_id),
        claimed(run_id=run_id),
        produced(image_output()),
        uploaded(),
    ]
    return [draft(fact, version=n, run_id=run_id) for n, fact in enumerate(facts, start=1)]


def other_aggregates() -> list[AnyRecorded]:
    lives = (
        ("workflow.created.v1", "workflow.version_created.v1"),
        ("batch.created.v1", "batch.started.v1", "batch.cancel_requested.v1"),
        ("deployment.promoted.v1",),
        ("machine.registered.v1",),
        ("key.issued.v1", "key.fetched.v1", "key.revoked.v1"),
        ("token.revoked.v1",),
        ("session.started.v1", "session.revoked.v1"),
        ("organisation.created.v1", "organisation.member_added.v1"),
        ("alias.assigned.v1",),
    )
    return [
        replace(recorded_example(name), version=version)
        for names in lives
        for version, name in enumerate(names, start=1)
    ]


def a_log() -> list[AnyRecorded]:
    """Two runs whose events alternate, and one aggregate of every other kind."""
    pairs = zip(life(UUID(int=1)), life(UUID(int=2)), strict=True)
    return logged(*(event for pair in pairs for event in pair), *other_aggregates())


async def test_every_kind_of_aggregate_gets_its_row(connection: Connection) -> None:
    log = a_log()
    fold = await started(connection)

    await fold.apply(log)

    deciders = [found for found in vars(aggregates).values() if isinstance(found, Decider)]
    assert set(TABLES) == {decider.kind for decider in deciders}
    for kind, table in TABLES.items():
        query = sql.SQL("SELECT id, version, position, state FROM {} ORDER BY id").format(
            sql.Identifier("read", kind)
        )
        for id_, version, at, state in await (await connection.execute(query)).fetchall():
            own = [e for e in log if e.aggregate == f"{kind}-{id_}"]
            assert (version, at) == (own[-1].version, own[-1].position)
            assert table.decode(state) == table.decider.fold(e.event for e in own)
    assert {k: len(v) for k, v in (await rows(connection)).items()} == {
        "run": 2,
        "workflow": 1,
        "deployment": 1,
        "machine": 1,
        "batch": 1,
        "key": 1,
        "token": 1,
        "session": 1,
        "organisation": 1,
        "alias": 1,
        "quarantine": 0,
        "checkpoint": 1,
    }


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_batches_of_any_size_each_applied_twice_give_the_same_rows(
    connection: Connection, size: int
) -> None:
    log: list[Entry] = [*a_log()]
    end = len(log) + 1
    log.append(Unreadable(aggregate=RUN.name(UUID(int=1)), position=end, type="x", error="y"))
    for start in range(0, len(log), size):
        batch = log[start : start + size]
        await (await started(connection)).apply(batch)
        before = await rows(connection)
        again = await started(connection)
        await again.apply(batch)
        again.position = 0  # as if it knew nothing of the checkpoint
        with pytest.raises(Fenced):
            await again.apply(batch)
        assert await rows(connection) == before

    found = await rows(connection)

    assert found["checkpoint"] == [("log", end)]
    assert [(row[0], row[7]) for row in found["run"]] == [
        (UUID(int=1), 7),
        (UUID(int=2), 8),
    ]
    assert found["quarantine"] == [(RUN.name(UUID(int=1)), end, "x", "y")]


async def test_of_two_projectors_one_is_fenced_and_the_result_is_exact(
    connection: Connection, postgres_url: str
) -> None:
    log = a_log()
    async with connect(postgres_url) as second:
        first_fold, second_fold = await started(connection), await started(second)
        await first_fold.apply(log[:5])
        with pytest.raises(Fenced):
            await second_fold.apply(log[:7])
        await second_fold.start()
        await second_fold.apply(log[5:])
        with pytest.raises(Fenced):
            await first_fold.apply(log[5:])

    assert await position(connection) == len(log)
    assert [row[8] for row in (await rows(connection))["run"]] == [4, 4]


async def test_a_projector_that_dies_in_the_middle_leaves_nothing_and_goes_on(
    connection: Connection, postgres_url: str
) -> None:
    log = a_log()
    async with connect(postgres_url) as doomed:
        fold = await started(doomed)
        await fold.apply(log[:4])
        before = await rows(connection)
        async with connection.transaction():
            # The checkpoint is held, so the doomed one has written its rows or waits to.
            await connection.execute("SELECT 1 FROM read.checkpoint FOR UPDATE")
            await doomed.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await fold.apply(log[4:])
    assert await rows(connection) == before

    await (await started(connection)).apply(log)

    assert await position(connection) == len(log)
    assert [row[8] for row in (await rows(connection))["run"]] == [4, 4]


async def test_a_fold_that_failed_can_be_started_again(connection: Connection) -> None:
    log = a_log()
    fold = await started(connection)
    await fold.apply(log[:2])
    await connection.execute("ALTER TABLE read.machine RENAME TO hidden")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await fold.apply(log[2:])
    await connection.execute("ALTER TABLE read.hidden RENAME TO machine")

    await fold.start()
    await fold.apply(log[2:])

    assert [row[8] for row in (await rows(connection))["run"]] == [4, 4]


ILL = uuid4()


def _unknown_kind() -> AnyRecorded:
    return replace(draft(created(), version=1), aggregate=f"ghost-{ILL}")


def _no_id() -> AnyRecorded:
    return replace(draft(created(), version=1), aggregate="run-no-id")


def _nul() -> AnyRecorded:
    registered = recorded_example("machine.registered.v1")
    return replace(
        registered,
        aggregate=MACHINE.name(ILL),
        version=1,
        event=replace(registered.event, name="a\x00b"),
    )


@pytest.mark.parametrize(
    ("poison", "error"),
    [
        ([draft(claimed(), version=1, run_id=ILL)], "begins with RunCreated"),
        ([draft(created(), version=2, run_id=ILL)], "version 2 where 1 was due"),
        (
            [draft(created(), version=1, run_id=ILL), draft(claimed(), version=3, run_id=ILL)],
            "version 3 where 2 was due",
        ),
        (
            [draft(created(), version=1, run_id=ILL), draft(created(), version=1, run_id=ILL)],
            "version 1 where 2 was due",
        ),
        (
            [Unreadable(aggregate=RUN.name(ILL), position=0, type="run.x.v9", error="what?")],
            "what?",
        ),
        ([Unreadable(aggregate="run-no-id", position=0, type="", error="a\x00b")], "a"),
        ([_unknown_kind()], "ghost"),
        ([_no_id()], "badly formed"),
        ([_nul()], "NUL"),
    ],
    ids=[
        "no beginning",
        "begins late",
        "gap",
        "repeat",
        "unreadable",
        "unreadable without an id",
        "unknown kind",
        "no id",
        "NUL",
    ],
)
async def test_poison_puts_its_own_aggregate_aside_and_stops_nothing_else(
    connection: Connection, poison: Sequence[Entry], error: str
) -> None:
    healthy = life(UUID(int=1))
    entries: list[Entry] = [*healthy[:2], *poison, *healthy[2:], *poison]
    placed = [replace(entry, position=n) for n, entry in enumerate(entries, start=1)]
    fold = await started(connection)

    for entry in placed:
        await fold.apply([entry])

    assert await position(connection) == len(entries)
    runs = {row[0]: row[8] for row in (await rows(connection))["run"]}
    assert runs[UUID(int=1)] == 4
    [found] = await quarantine(connection)
    assert found == Quarantined(
        aggregate=poison[-1].aggregate,
        position=2 + len(poison),
        event_type=poison[-1].type,
        error=found.error,
    )
    assert error in found.error
    assert MACHINE_ID not in runs
