"""Machines in the read model: names are labels, removed ones stay apart, open runs are counted."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from app.reads.machines import PRESENT
from events.aggregates import MACHINE
from events.envelope import AnyRecorded
from events.machine.events import MachineDrained, MachineRemoved, MachineRenamed
from events.machine.state import MachineState
from infra.postgres import Connection
from projections.fold import Fold
from projections.queries import list_machines, open_runs_of_machine
from tests.builders.facts import MACHINE_ID, NOW, created, draft, later
from tests.builders.machines import registered
from tests.golden.examples import recorded_example

TENANT = "org:acme"
ONE, TWO = UUID(int=1), UUID(int=2)


def facts(machine_id: UUID, *events: Any) -> list[AnyRecorded]:
    begun = [replace(registered(), machine_id=machine_id), *events]
    example = recorded_example("machine.registered.v1")
    return [
        replace(example, aggregate=MACHINE.name(machine_id), version=version, event=event)
        for version, event in enumerate(begun, start=1)
    ]


async def folded(connection: Connection, events: Sequence[AnyRecorded]) -> None:
    fold = Fold(connection)
    await fold.start()
    await fold.apply([replace(e, position=n) for n, e in enumerate(events, start=1)])


async def listed(connection: Connection, **filters: Any) -> list[UUID]:
    page = await list_machines(
        connection, tenant=TENANT, limit=10, **({"states": PRESENT} | filters)
    )
    return [row.id for row in page.rows]


async def test_two_machines_may_have_one_name_and_are_found_by_the_one_they_have_now(
    connection: Connection,
) -> None:
    renamed = MachineRenamed(name="big", at=NOW)
    await folded(connection, [*facts(ONE, renamed), *facts(TWO), *facts(UUID(int=3))])
    assert await listed(connection, name="gpu") == [UUID(int=3), TWO]
    assert await listed(connection, name="big") == [ONE]


async def test_removed_machines_are_listed_only_by_their_state(connection: Connection) -> None:
    drained, removed = MachineDrained(at=NOW), MachineRemoved(open_runs=0, at=NOW)
    await folded(connection, [*facts(ONE, drained, removed), *facts(TWO, drained)])
    assert await listed(connection) == [TWO]
    assert await listed(connection, states={MachineState.REMOVED}) == [ONE]
    assert await listed(connection, states={MachineState.ACTIVE}) == []


async def test_open_runs_are_counted_by_machine_and_ended_ones_are_not(
    connection: Connection,
) -> None:
    ended = replace(recorded_example("run.status_changed.v1"), aggregate=f"run-{ONE}", version=2)
    events = [
        draft(created(run_id=ONE), version=1, run_id=ONE),
        ended,
        draft(created(run_id=TWO, at=later(1)), version=1, run_id=TWO),
        draft(created(run_id=UUID(int=3), machine_id=TWO), version=1, run_id=UUID(int=3)),
    ]
    await folded(connection, events)
    assert await open_runs_of_machine(connection, MACHINE_ID) == 1
    assert await open_runs_of_machine(connection, TWO) == 1
    assert await open_runs_of_machine(connection, UUID(int=9)) == 0
