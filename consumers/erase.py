"""Deletes the private data of erased runs, wherever it is kept but in the log.

Every step may be done twice. Input images are shared between runs of a tenant, so one is deleted
only when nobody can use it any more: infra/jetstream/tombstones.py makes sure of that.
"""

import logging
from datetime import datetime
from uuid import UUID

from consumers.delivery import Later, growing_delay
from consumers.tools import RunSession, Tools, meta
from events.aggregates import RUN
from events.run.commands import RecordDataDeleted
from events.run.events import ImageUploaded
from infra.event_store import load
from infra.jetstream.tombstones import GRACE
from infra.postgres import POSTGRES_AWAY
from infra.s3.keys import output_folder
from infra.s3.port import StorageRefused, StorageUnavailable
from projections.private_data import forget_progress_of, used_keys
from projections.queries import position, promised_batches

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0
"""Seconds until the read models may have caught up with the log."""

LOOKS = 10
"""How often they are looked at for one place in the log."""


async def erase(run_id: UUID, delivery: int, tools: Tools) -> None:
    """Delete what is private in an erased run, and record that it is done.

    Raises:
        Later: something does not answer, or an image may still be wanted.
        LogUnavailable: the log does not answer.

    """
    session = await load(tools.store, RUN, run_id)
    run = session.state
    if run is None or run.erased_at is None or run.deleted_at is not None:
        return
    try:
        await tools.private.erase(run_id)
        await tools.storage.delete_all(output_folder(run_id))
        async with tools.pool.connection() as connection:
            await forget_progress_of(connection, run_id)
        await _delete_images(session, run.erased_at, tools)
    except (StorageUnavailable, StorageRefused, *POSTGRES_AWAY) as error:
        log.warning("erase.postponed", extra={"run_id": str(run_id), "error": str(error)})
        raise Later(growing_delay(delivery)) from error
    done = RecordDataDeleted(now=tools.now())
    await session.execute(done, meta(tools, session, "deleted"))


async def _delete_images(session: RunSession, erased_at: datetime, tools: Tools) -> None:
    keys = await _image_keys(session.name, tools)
    if not keys:
        return
    given_up = [await tools.given_up.give_up(key) for key in keys]
    wait = max(*given_up, erased_at) + GRACE - tools.now()
    if wait.total_seconds() > 0:
        raise Later(wait.total_seconds())
    # Whoever looked at the keys before they were given up is in the log by now.
    await _follow_up(await tools.log_end(), tools)
    async with tools.pool.connection() as connection:
        # Runs that are promised will have images that are in no row of theirs yet.
        if await promised_batches(connection, session.tenant):
            raise Later(LOOK_AGAIN)
        used = await used_keys(connection, keys)
    for key in keys - used:
        await tools.storage.delete(key)


async def _follow_up(end: int, tools: Tools) -> None:
    """Wait until the tables hold the log up to *end*: on a busy day they never hold all of it."""
    for _ in range(LOOKS):
        async with tools.pool.connection() as connection:
            if await position(connection) >= end:
                return
        await tools.pause(LOOK_AGAIN)
    raise Later(LOOK_AGAIN)


async def _image_keys(name: str, tools: Tools) -> set[str]:
    """Read the keys from the log: the state of an erased run has none any more."""
    recorded = await tools.store.read(name)
    events = (entry.event for entry in recorded)
    return {e.key for e in events if isinstance(e, ImageUploaded) and e.role == "input"}
