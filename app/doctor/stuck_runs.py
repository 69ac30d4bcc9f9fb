"""Search for the caller's stuck runs: open runs whose work is in no queue."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from app.auth.caller import Caller
from events.run.state import Run
from events.work import piece_of_run
from infra.event_store import LogUnavailable
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.work.queue import Queued, WorkQueue
from infra.postgres import Pool
from projections.health import open_runs
from projections.queries import position

SETTLED = 10.0
"""Seconds without a fact after which a run's work must be in a queue; it takes milliseconds."""

AGAIN_AFTER = 1.0
MOST = 1_000


class StuckRuns:
    """Finds open runs whose work is in no queue."""

    def __init__(
        self, pool: Pool, log_reader: LogReader, work: WorkQueue, now: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._log_reader = log_reader
        self._work = work
        self._now = now

    async def find(self, caller: Caller) -> list[UUID] | None:
        """Return the runs whose work is in no queue at two looks; None when it is unknown.

        Tables that are behind show runs as open that have ended: then it is unknown.

        Raises:
            PostgresUnavailable: Postgres does not answer.

        """
        before = await self._look(caller)
        if not before:
            return None if before is None else []
        await asyncio.sleep(AGAIN_AFTER)
        now = await self._look(caller)
        return None if now is None else [run_id for run_id in before if run_id in now]

    async def _look(self, caller: Caller) -> list[UUID] | None:
        try:
            head = await self._log_reader.head()
            async with self._pool.connection() as connection:
                if await position(connection) < head:
                    return None
                runs = await open_runs(connection, tenant=caller.tenant, limit=MOST)
            # After the runs: work that is put in between counts, and none of theirs is missed.
            queued = await self._work.queued()
        except LogUnavailable:
            return None
        now = self._now()
        settled = (run for run in runs if (now - run.updated_at).total_seconds() > SETTLED)
        return [run.id for run in settled if not _is_queued(run, queued)]


def _is_queued(run: Run, queued: Queued) -> bool:
    piece = piece_of_run(run)
    return piece is None or run.id in queued.owners or piece.shared in queued.shared
