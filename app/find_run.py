"""Finds a run for its tenant, never older than what this caller was told before.

Postgres answers; where its row is missing, too old or out of reach, the log does. All doors find
runs here: this is the one place that knows which runs a caller may know of.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from app.auth.caller import Caller
from app.house import House
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.errors import NotFound
from events.run.commands import RunCommand
from events.run.events import RunEvent
from events.run.progress import Progress
from events.run.state import Run
from events.run.status import Status
from infra.event_store import Session, load

RunSession = Session[Run, RunCommand, RunEvent]


class Found(Struct, frozen=True, kw_only=True):
    """A run and how new it is."""

    run: Run
    position: int
    progress: Progress | None = None


async def find_run(house: House, caller: Caller, run_id: UUID, *, at_least: int = 0) -> Found:
    """Give a run of the caller's with its texts, at position *at_least* or newer.

    Raises:
        NotFound: there is no such run that the caller may know of.
        LogUnavailable: Postgres does not know it well enough, and the log does not answer.

    """
    wanted = max(at_least, house.recent_runs.position(run_id))
    found = await _from_postgres(house, caller, run_id)
    if found is None or found.position < wanted:
        session = await run_session(house, caller, run_id)
        found = Found(run=session.existing, position=session.position)
    house.recent_runs.note(run_id, found.position)
    return replace(found, run=await house.texts.put_into(found.run))


async def latest_progress(house: House, run: Run) -> Progress | None:
    """Give the last word about a run, if anyone noted it and Postgres answers."""
    row = await house.run_rows.get(run.id) if run.status is Status.RUNNING else None
    return row.progress if row else None


async def run_session(house: House, caller: Caller, run_id: UUID) -> RunSession:
    """Load a run of the caller's from the log, for a command to it; its state is there.

    Raises:
        NotFound: there is no such run that the caller may know of.
        LogUnavailable: the log does not answer.

    """
    session = await load(house.store, RUN, run_id)
    house.recent_runs.check(run_id, session.position)
    if session.state is None or not _may_know(caller, session.tenant, session.state.deployment_id):
        raise _no_such_run()
    return session


async def run_events(house: House, caller: Caller, run_id: UUID) -> Sequence[AnyRecorded]:
    """Give all events of a run of the caller's, at least one.

    Raises:
        NotFound: there is no such run that the caller may know of.
        LogUnavailable: the log does not answer.

    """
    past = await house.store.read(RUN.name(run_id))
    house.recent_runs.check(run_id, past[-1].position if past else 0)
    if not past or not _may_know(caller, past[0].meta.tenant, past[0].event.deployment_id):
        raise _no_such_run()
    return past


async def _from_postgres(house: House, caller: Caller, run_id: UUID) -> Found | None:
    found = await house.run_rows.get(run_id)
    if found is None:
        return None
    run: Run = found.row.state
    if not _may_know(caller, found.row.tenant, run.deployment_id):
        return None
    return Found(run=run, position=found.row.position, progress=found.progress)


def _may_know(caller: Caller, tenant: str, deployment_id: UUID) -> bool:
    return tenant == caller.tenant and caller.may_know(deployment_id)


def _no_such_run() -> NotFound:
    return NotFound("there is no run with this id")
