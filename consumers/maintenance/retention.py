"""Erases runs that have been kept long enough, as COMFYD_KEEP_DATA_DAYS says.

Every worker sweeps; what two find at the same time is erased once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from consumers.run.commands import RunCommands
from events.aggregates import RUN
from events.run.commands import EraseRun
from infra.event_store import EventStore, LogUnavailable, VersionConflict, load
from infra.postgres import Pool, PostgresError
from projections.erasing import THE_FIRST, runs_with_data

log = logging.getLogger(__name__)

EVERY = 600.0
"""Seconds between two sweeps."""

AT_ONCE = 100
"""Runs that are asked for in one query."""


async def keep_retention(sweep: Callable[[], Awaitable[int]], stop: asyncio.Event) -> None:
    """Sweep again and again, until *stop*."""
    while not stop.is_set():
        try:
            if erased := await sweep():
                log.info("retention.swept", extra={"erased": erased})
        except (LogUnavailable, VersionConflict, PostgresError) as error:
            log.warning("retention.postponed", extra={"error": repr(error)})
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await stop.wait()


async def sweep(store: EventStore, pool: Pool, runs: RunCommands, *, keep_days: float) -> int:
    """Erase every run that ended more than *keep_days* ago; return how many.

    Raises:
        LogUnavailable, VersionConflict, PostgresUnavailable: sweep again later.

    """
    before = runs.now() - timedelta(days=keep_days)
    last, erased = THE_FIRST, 0
    while True:
        async with pool.connection() as connection:
            found = await runs_with_data(connection, before=before, after=last, limit=AT_ONCE)
        for kept in found:
            erased += await _erase(kept.run_id, store, runs)
        if len(found) < AT_ONCE:
            return erased
        last = found[-1]


async def _erase(run_id: UUID, store: EventStore, runs: RunCommands) -> bool:
    session = await load(store, RUN, run_id)
    if session.state is None:  # the tables are ahead of a log that was restored
        return False
    command = EraseRun(reason="retention", by=runs.worker, now=runs.now())
    return bool(await session.execute(command, runs.meta(session)))
