"""Erases runs that have been kept long enough, as COMFYD_KEEP_DATA_DAYS says.

Every worker sweeps; what two find at the same time is erased once.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import psycopg

from consumers.tools import Tools, meta
from events.aggregates import RUN
from events.run.commands import EraseRun
from infra.event_store import LogUnavailable, VersionConflict, load
from infra.postgres import POSTGRES_AWAY
from projections.private_data import THE_FIRST, runs_to_erase

log = logging.getLogger(__name__)

EVERY = 600.0
"""Seconds between two sweeps."""

AT_ONCE = 100
"""Runs that are asked for in one query."""


async def keep_retention(tools: Tools, stop: asyncio.Event) -> None:
    """Sweep again and again, until *stop*; not at all where data is kept for ever."""
    while tools.settings.keep_data_days > 0 and not stop.is_set():
        try:
            if erased := await sweep(tools):
                log.info("retention.swept", extra={"erased": erased})
        except (LogUnavailable, VersionConflict, psycopg.Error, *POSTGRES_AWAY) as error:
            log.warning("retention.postponed", extra={"error": repr(error)})
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await stop.wait()


async def sweep(tools: Tools) -> int:
    """Have every run erased that ended too long ago; tell how many.

    Raises:
        LogUnavailable, VersionConflict, POSTGRES_AWAY: sweep again later.

    """
    before = tools.now() - timedelta(days=tools.settings.keep_data_days)
    last, erased = THE_FIRST, 0
    while True:
        async with tools.pool.connection() as connection:
            found = await runs_to_erase(connection, before=before, after=last, limit=AT_ONCE)
        for kept in found:
            erased += await _erase(kept.run_id, tools)
        if len(found) < AT_ONCE:
            return erased
        last = found[-1]


async def _erase(run_id: UUID, tools: Tools) -> bool:
    session = await load(tools.store, RUN, run_id)
    if session.state is None:  # the tables are ahead of a log that was restored
        return False
    command = EraseRun(reason="retention", by=tools.worker, now=tools.now())
    return bool(await session.execute(command, meta(tools, session)))
