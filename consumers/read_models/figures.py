"""Finds out the figures of the whole system when the projector's metrics are scraped.

The projector shows them for all: it is the one process of which there is one. One that stands by
shows none, so that a sum over all processes is right.
"""

import asyncio
from collections.abc import Callable

from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.health.figures import LogFigures, log_figures
from infra.postgres import Pool, PostgresError
from infra.telemetry.shared_figures import SharedFigures
from projections.figures import RunFigures, run_figures

PATIENCE = 4.0
"""Seconds for all of it: less than scrapers wait."""


class Figures:
    """Looks at log and read models; what does not answer is not shown."""

    def __init__(
        self, client: Client, pool: Pool, shown: SharedFigures, works: Callable[[], bool]
    ) -> None:
        """Show in *shown*, as long as this projector *works* and does not stand by."""
        self._client = client
        self._pool = pool
        self._shown = shown
        self._works = works

    async def look(self) -> None:
        """Find out the figures of now."""
        log: LogFigures | None = None
        runs: RunFigures | None = None
        if self._works():
            log, runs = await asyncio.gather(self._log(), self._runs())
        self._shown.log, self._shown.runs = log, runs

    async def _log(self) -> LogFigures | None:
        if not self._client.is_connected:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await log_figures(self._client)
        except (Unanswered, ApiError, TimeoutError):
            return None

    async def _runs(self) -> RunFigures | None:
        try:
            async with asyncio.timeout(PATIENCE), self._pool.connection() as connection:
                return await run_figures(connection)
        except (PostgresError, TimeoutError):
            return None
