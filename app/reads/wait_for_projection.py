"""Wait until the read models know all that was recorded: for questions that must miss nothing."""

import asyncio
import time

from infra.jetstream.log.aggregates import LogReader
from infra.postgres import Connection
from projections.queries import ReadModelsBehind, position

PATIENCE = 3.0
"""Seconds the read models have; they usually need a fraction of one."""

LOOK_EVERY = 0.05


async def wait_for_projection(log_reader: LogReader, connection: Connection) -> None:
    """Return when the read models are where the log is now.

    Raises:
        ReadModelsBehind: they did not get there in time.
        LogUnavailable: the log does not answer.

    """
    wanted = await log_reader.head()
    deadline = time.monotonic() + PATIENCE
    while await position(connection) < wanted:
        if time.monotonic() > deadline:
            raise ReadModelsBehind
        await asyncio.sleep(LOOK_EVERY)
