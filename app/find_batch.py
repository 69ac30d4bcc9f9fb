"""Finds a batch for its tenant, never older than what this caller was told before.

As with runs, Postgres answers where it knows enough, and the log where it does not.
"""

from uuid import UUID

from app.auth.caller import Caller
from app.batch_standing import Standing, standing_of, tally_at
from app.house import House
from events.aggregates import BATCH
from events.batch import Batch
from events.errors import NotFound
from infra.batch_runs import BatchSession
from infra.event_store import load


async def find_batch(
    house: House, caller: Caller, batch_id: UUID, *, at_least: int = 0
) -> Standing:
    """Give where a batch of the caller's stands, at position *at_least* or newer.

    Raises:
        NotFound: there is no such batch that the caller may know of.
        LogUnavailable: Postgres does not know it well enough, and the log does not answer.

    """
    wanted = max(at_least, house.recent_batches.position(batch_id))
    found = await house.batch_rows.get(batch_id)
    if found is None or found.position < wanted:
        return await standing_in_log(house, caller, batch_id)
    batch: Batch = found.row.state
    if not _may_know(caller, found.row.tenant, batch):
        raise _no_such_batch()
    house.recent_batches.note(batch_id, found.position)
    return standing_of(batch, found.counts, found.position)


async def standing_in_log(house: House, caller: Caller, batch_id: UUID) -> Standing:
    """Give where a batch of the caller's stands now, by the log alone; see find_batch."""
    session = await batch_session(house, caller, batch_id)
    position = await house.log_groups.head()
    house.recent_batches.check(batch_id, position)
    tally = await tally_at(house.log_groups, house.store, session.existing, position)
    house.recent_batches.note(batch_id, position)
    return tally.standing(position)


async def batch_session(house: House, caller: Caller, batch_id: UUID) -> BatchSession:
    """Load a batch of the caller's from the log, for a command to it; its state is there.

    Raises:
        NotFound: there is no such batch that the caller may know of.
        LogUnavailable: the log does not answer.

    """
    session = await load(house.store, BATCH, batch_id)
    if session.state is None:
        house.recent_batches.check(batch_id, 0)
    if session.state is None or not _may_know(caller, session.tenant, session.state):
        raise _no_such_batch()
    return session


def _may_know(caller: Caller, tenant: str, batch: Batch) -> bool:
    return tenant == caller.tenant and all(map(caller.may_know, batch.deployments))


def _no_such_batch() -> NotFound:
    return NotFound("there is no batch with this id")
