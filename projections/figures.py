"""How many runs are open and wait, counted over all tenants. Ended runs are never looked at."""

from collections.abc import Mapping

from msgspec import Struct

from events.machine.state import MachineState
from events.run.status import TERMINAL, Status
from events.run.waiting import WaitingReason
from projections.statements import Connection, statements

_SQL = statements("figures.sql")

OTHER = "other"
"""A reason that a newer version wrote: labels are a closed set."""


class RunFigures(Struct, frozen=True, kw_only=True):
    """What the read models say."""

    position: int
    """How far they are."""

    open_runs: Mapping[str, int]
    """Runs that have not ended, by status."""

    waiting: Mapping[str, int]
    """Those of them that wait, by reason."""

    waiting_age: Mapping[str, float]
    """Seconds since the oldest of these was made, by reason; 0 if there is none."""

    machines: Mapping[str, int]
    """Machines by state, without removed ones."""

    quarantined: int
    """Aggregates that could not be folded."""


async def run_figures(connection: Connection) -> RunFigures:
    """Count; costs as much as there are open runs, by an index of them alone."""
    open_runs = {str(status): 0 for status in Status if status not in TERMINAL}
    waiting = {str(reason): 0 for reason in (*WaitingReason, OTHER)}
    ages = dict.fromkeys(waiting, 0.0)
    cursor = await connection.execute(_SQL["open_runs"])
    for status, reason, count, age in await cursor.fetchall():
        open_runs[status] += count
        if reason is not None:
            known = reason if reason in waiting else OTHER
            waiting[known] += count
            ages[known] = max(ages[known], age)
    machines = {str(state): 0 for state in MachineState if state is not MachineState.REMOVED}
    cursor = await connection.execute(_SQL["machines"])
    machines |= {str(state): count for state, count in await cursor.fetchall()}
    rest = await (await connection.execute(_SQL["rest"])).fetchone()
    assert rest is not None  # a select without a table has one row
    return RunFigures(
        position=rest[0],
        open_runs=open_runs,
        waiting=waiting,
        waiting_age=ages,
        machines=machines,
        quarantined=rest[1],
    )
