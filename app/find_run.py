"""Finds a run for its tenant, never older than what this caller was told before.

Postgres answers; where its row is missing, too old or out of reach, the log does.
"""

from uuid import UUID

from msgspec import Struct

from app.house import House
from events.decider import RUN
from events.errors import NotFound
from events.progress import Progress
from events.run import Run
from events.status import Status
from infra.event_store import load


class Found(Struct, frozen=True, kw_only=True):
    """A run and how new it is."""

    run: Run
    position: int
    progress: Progress | None = None


async def find_run(house: House, *, run_id: UUID, tenant: str, at_least: int = 0) -> Found:
    """Give a tenant's run, at position *at_least* or newer.

    Raises:
        NotFound: the tenant has no such run.
        LogUnavailable: Postgres does not know it well enough, and the log does not answer.

    """
    wanted = max(at_least, house.recent.position(run_id))
    found = await _from_postgres(house, run_id, tenant)
    if found is None or found.position < wanted:
        found = await _from_log(house, run_id, tenant)
    house.recent.note(run_id, found.position)
    return found


async def latest_progress(house: House, run: Run) -> Progress | None:
    """Give the last word about a run, if anyone noted it and Postgres answers."""
    row = await house.run_rows.get(run.id) if run.status is Status.RUNNING else None
    return row.progress if row else None


async def _from_postgres(house: House, run_id: UUID, tenant: str) -> Found | None:
    found = await house.run_rows.get(run_id)
    if found is None or found.row.tenant != tenant:
        return None
    return Found(run=found.row.state, position=found.row.position, progress=found.progress)


async def _from_log(house: House, run_id: UUID, tenant: str) -> Found:
    session = await load(house.store, RUN, run_id)
    if session.state is None or session.tenant != tenant:
        raise NotFound("there is no run with this id")
    return Found(run=session.state, position=session.position)
