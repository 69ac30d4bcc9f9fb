"""Reads of the sessions of browsers."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from app.auth.caller import Caller
from app.reads.wait_for_projection import wait_for_projection
from infra.jetstream.log.aggregates import LogReader
from infra.postgres import Pool
from projections.queries import Page, ReadModelsBehind, SessionHolder, list_sessions


class SessionReads:
    """Queries for sessions."""

    def __init__(self, pool: Pool, log_reader: LogReader, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._log_reader = log_reader
        self._now = now

    async def page(self, caller: Caller, *, limit: int, before: int | None, own: bool) -> Page:
        """Return a part of the sessions of the caller's tenant, newest first; or only their *own*.

        Those that have expired are left out; those that were revoked are there until then.
        """
        async with self._pool.connection() as connection:
            # What was revoked just now is shown as that, unless the read models are far behind.
            with suppress(ReadModelsBehind):
                await wait_for_projection(self._log_reader, connection)
            return await list_sessions(
                connection,
                tenant=caller.tenant,
                holder=SessionHolder(user_id=caller.user_id, key_id=caller.key_id) if own else None,
                now=self._now(),
                limit=limit,
                before=before,
            )
