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
from infra.postgres import POSTGRES_AWAY, Connection
from projections.queries import find_progress
from projections.queries import find_run as find_row


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


async def _from_postgres(house: House, run_id: UUID, tenant: str) -> Found | None:
    if house.outage.lasts:
        return None
    try:
        async with house.pool.connection() as connection:
            row = await find_row(connection, run_id=run_id, tenant=tenant)
            if row is None:
                return None
            progress = await _progress(connection, row.state)
    except POSTGRES_AWAY:
        house.outage.begins()
        return None
    return Found(run=row.state, position=row.position, progress=progress)


async def latest_progress(house: House, run: Run) -> Progress | None:
    """Give the last word about a run, if anyone noted it and Postgres answers."""
    if house.outage.lasts:
        return None
    try:
        async with house.pool.connection() as connection:
            return await _progress(connection, run)
    except POSTGRES_AWAY:
        house.outage.begins()
        return None


async def _progress(connection: Connection, run: Run) -> Progress | None:
    # Only a run on a machine has progress worth asking for.
    running = run.status is Status.RUNNING
    return await find_progress(connection, run_id=run.id) if running else None


async def _from_log(house: House, run_id: UUID, tenant: str) -> Found:
    session = await load(house.store, RUN, run_id)
    if session.state is None or session.tenant != tenant:
        raise NotFound("there is no run with this id")
    return Found(run=session.state, position=session.position)
