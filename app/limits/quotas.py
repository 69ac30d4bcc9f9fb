"""Quotas of runs of a tenant: at the same time, and on one day. Exact over all processes.

Each run is reserved in Postgres before it is accepted, and counts as reserved until the read
models know it. Accepting does not depend on Postgres, quotas or not: while it is away, runs are
let in uncounted, which is logged.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from app.limits.too_many import QuotaExceeded
from events.aggregates import RUN
from events.errors import Problem
from infra.event_store import EventStore
from infra.postgres import Connection, Outage, Pool, PostgresError
from infra.telemetry.api_metrics import Checked
from infra.wait_without_cancel import wait_without_cancel
from projections import reservations

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds after which a Postgres that is silent counts as away."""

AT_ONCE = 2
"""Reservations under way in one process: polls share the connections."""

PAUSES = (0.0, 0.1, 0.3)
"""Seconds before each look: a run that has just ended may not be in the read models yet."""

LOST_AFTER = timedelta(minutes=5)
"""Age of a reservation from which the log is asked whether its run was ever made."""

LOOKED_UP = 100


class Quotas:
    """Admission control of runs. A limit of 0 is none."""

    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        *,
        in_flight: int,
        per_day: int,
        now: Callable[[], datetime],
        checked: Callable[[Checked], None] = lambda _outcome: None,
    ) -> None:
        """Admit as many as the settings say; *checked* is called with the result of each check."""
        self._pool = pool
        self._store = store
        self._in_flight = in_flight
        self._per_day = per_day
        self._now = now
        self._checked = checked
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._outage = Outage()

    @asynccontextmanager
    async def reserving(self, tenant: str, run_ids: Collection[UUID]) -> AsyncIterator[None]:
        """Reserve these runs, all or none; if the block fails, they were not made.

        Runs that count already are not counted again.

        Raises:
            QuotaExceeded: that would be too many.
            LogUnavailable: the log had to be asked, and does not answer.

        """
        reserved = await self._reserve(tenant, run_ids)
        try:
            yield
        except Exception:
            await self._release(reserved)
            raise

    async def _reserve(self, tenant: str, run_ids: Collection[UUID]) -> Collection[UUID]:
        if not (self._in_flight or self._per_day):
            return ()
        if self._outage.lasts:
            self._checked(Checked.UNCHECKED)
            return ()
        try:
            reserved = await self._try_to_reserve(tenant, run_ids)
        except QuotaExceeded:
            self._checked(Checked.REFUSED)
            raise
        except (PostgresError, TimeoutError) as error:
            self._outage.begins()
            self._checked(Checked.UNCHECKED)
            log.warning("quota.unchecked", extra={"tenant": tenant, "error": repr(error)})
            return ()
        self._checked(Checked.ADMITTED)
        return reserved

    async def _try_to_reserve(self, tenant: str, run_ids: Collection[UUID]) -> Collection[UUID]:
        refusal: QuotaExceeded | None = None
        for pause in PAUSES:
            await asyncio.sleep(pause)
            if refusal:
                await self._forget_lost(tenant)
            try:
                async with self._turns:
                    return await wait_without_cancel(PATIENCE, self._count_in(tenant, run_ids))
            except QuotaExceeded as error:
                refusal = error
        assert refusal is not None  # there was at least one look
        raise refusal

    async def _count_in(self, tenant: str, run_ids: Collection[UUID]) -> Collection[UUID]:
        async with (
            self._pool.connection() as connection,
            reservations.one_at_a_time(connection, tenant),
        ):
            wanted = await reservations.new_runs(connection, run_ids)
            now = self._now()
            if self._in_flight:
                await self._check_in_flight(connection, tenant, len(wanted))
            if self._per_day:
                await self._check_day(connection, tenant, len(wanted), now)
            await reservations.reserve(connection, tenant, wanted, now)
            return wanted

    async def _check_in_flight(self, connection: Connection, tenant: str, more: int) -> None:
        count = await reservations.runs_in_flight(connection, tenant)
        if more and count + more > self._in_flight:
            params = {"limit": str(self._in_flight), "count": str(count), "more": str(more)}
            raise QuotaExceeded(Problem(code="quota_runs_in_flight", params=params))

    async def _check_day(
        self, connection: Connection, tenant: str, more: int, now: datetime
    ) -> None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        count = await reservations.runs_made_since(connection, tenant, midnight)
        if more and count + more > self._per_day:
            params = {"limit": str(self._per_day), "count": str(count), "more": str(more)}
            seconds = math.ceil((midnight + timedelta(days=1) - now).total_seconds())
            problem = Problem(code="quota_runs_per_day", params=params)
            raise QuotaExceeded(problem, retry_after=seconds)

    async def _forget_lost(self, tenant: str) -> None:
        """Drop reservations of runs that were never made: their process died in between."""
        before = self._now() - LOST_AFTER
        async with self._pool.connection() as connection:
            old = await reservations.old_reservations(
                connection, tenant, before=before, limit=LOOKED_UP
            )
        lost = [run_id for run_id in old if await self._store.last(RUN.name(run_id)) is None]
        await self._release(lost)

    async def _release(self, run_ids: Collection[UUID]) -> None:
        if not run_ids:
            return
        try:
            async with self._pool.connection() as connection:
                await reservations.release(connection, run_ids)
        except PostgresError as error:
            # They are found to be lost when they stand in the way of another run.
            log.warning("quota.not_released", extra={"error": repr(error)})
