"""Counts requests over all API processes, and in this process alone while that cannot be done."""

import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from infra.postgres import Outage, Pool, PostgresError
from infra.wait_without_cancel import wait_without_cancel
from projections.request_counts import Count, forget_requests, take_requests

log = logging.getLogger(__name__)

MINUTE = 60
PATIENCE = 0.25
"""Seconds a request may wait for the shared count."""


class Counter(Protocol):
    """Counts the requests of a minute."""

    def take(self, subject: str, many: int) -> Coroutine[Any, Any, Count]:
        """Add *many* requests to a subject's count."""
        ...


class PostgresCounter:
    """One count for all processes, by Postgres's clock."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._swept = 0

    async def take(self, subject: str, many: int) -> Count:
        """Add *many* requests to a subject's count.

        Raises:
            PostgresError: Postgres is away, or its tables are not migrated.

        """
        async with self._pool.connection() as connection:
            count = await take_requests(connection, subject, many)
            if count.minute > self._swept:
                self._swept = count.minute
                await forget_requests(connection, before=count.minute)
        return count


class OwnCounter:
    """The count of this process alone, by its own clock."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._minute = 0
        self._taken: dict[str, int] = {}

    async def take(self, subject: str, many: int) -> Count:
        """Add *many* requests to a subject's count; never fails."""
        now = self._clock()
        minute = int(now // MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._taken.clear()
        taken = self._taken[subject] = self._taken.get(subject, 0) + many
        return Count(taken=taken, minute=minute, seconds_left=(minute + 1) * MINUTE - now)


class FailoverCounter:
    """The shared count; while it is away, each process counts for itself."""

    def __init__(self, shared: Counter, own: Counter) -> None:
        self._shared = shared
        self._own = own
        self._outage = Outage()
        self._alone = False

    async def take(self, subject: str, many: int) -> Count:
        """Add *many* requests to a subject's count; never fails."""
        if self._outage.lasts:
            return await self._own.take(subject, many)
        try:
            count = await wait_without_cancel(PATIENCE, self._shared.take(subject, many))
        except (PostgresError, TimeoutError) as error:
            self._outage.begins()
            if not self._alone:
                log.warning("rate_limit.counting_alone", extra={"error": repr(error)})
            self._alone = True
            return await self._own.take(subject, many)
        self._alone = False
        return count
