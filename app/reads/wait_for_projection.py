"""Wait until the read models know all that was recorded: for questions that must miss nothing."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

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


class ProjectionWatch:
    """Where the read models are, asked once for all who wait for them."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, int | None]]) -> None:
        """Learn the position by *ask*; None while Postgres is away."""
        self._ask = ask
        self._position = 0
        self._asking: asyncio.Task[int | None] | None = None

    async def reached(self, wanted: int) -> bool:
        """Wait until the read models know all up to a position; return whether they do.

        Do not wait for a Postgres that is away, nor longer than PATIENCE.
        """
        deadline = time.monotonic() + PATIENCE
        while self._position < wanted:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            # Others may wait for the same answer when this client goes.
            found = await asyncio.shield(self._asking)
            if found is None or time.monotonic() > deadline:
                return False
            self._position = max(self._position, found)
            if found < wanted:
                await asyncio.sleep(LOOK_EVERY)
        return True
