"""Rate limit: how many requests a subject may make in a minute, exact across processes.

A process takes a hundredth of the limit from the shared count ahead of use, so most requests cost
no I/O. What it took and did not use is lost when the minute is over: fewer requests may be
admitted than the limit says (by a hundredth for each other process), never more.
"""

import asyncio
import math
import time
from collections.abc import Callable

from msgspec import Struct

from app.limits.rate_counter import MINUTE, Counter
from app.limits.too_many import RateLimited
from events.errors import Problem

LEASES = 20_000
"""Subjects whose leases one process remembers."""

SHARE = 100
"""A lease is the limit divided by this."""


class _Lease(Struct):
    """Requests that this process may admit before it asks again."""

    left: int
    unclaimed: int
    """What nobody had taken when it was given."""

    ends_at: float
    """By our clock: the end of the minute, or a little before."""


class RateLimitState(Struct, frozen=True, kw_only=True):
    """The state of a subject after a request, as the RateLimit headers show it."""

    policy: str
    limit: int
    remaining: int
    ends_at: float

    def seconds_left(self, now: float) -> int:
        """Return the whole seconds after which the count begins again."""
        return max(1, math.ceil(self.ends_at - now))


class RateLimit:
    """One policy: so many requests a minute for each of its subjects."""

    def __init__(
        self,
        policy: str,
        limit: int,
        counter: Counter,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy = policy
        self.limit = limit
        self._counter = counter
        self._clock = clock
        self._size = max(1, limit // SHARE)
        self._leases: dict[str, _Lease] = {}
        self._renewals: dict[str, asyncio.Task[_Lease]] = {}

    async def count(self, subject: str) -> tuple[bool, RateLimitState]:
        """Count a request; return whether it is admitted, and the state of the subject."""
        lease = self._leases.get(subject)
        while lease is None or self._is_spent(lease):
            lease = await self._renewed(subject)
        admitted = lease.left > 0
        lease.left -= admitted
        return admitted, RateLimitState(
            policy=self.policy,
            limit=self.limit,
            remaining=lease.left + lease.unclaimed,
            ends_at=lease.ends_at,
        )

    def refusal(self, state: RateLimitState) -> RateLimited:
        """Build the refusal of a request, with when to come back."""
        seconds = state.seconds_left(self._clock())
        params = {"limit": str(self.limit), "seconds": str(seconds)}
        problem = Problem(code="rate_limit_reached", params=params)
        return RateLimited(problem, retry_after=seconds)

    def _is_spent(self, lease: _Lease) -> bool:
        return self._clock() >= lease.ends_at or (lease.left == 0 and lease.unclaimed > 0)

    async def _renewed(self, subject: str) -> _Lease:
        """Take another lease; all who need one at the same time share the question."""
        renewal = self._renewals.get(subject)
        if renewal is None:
            renewal = asyncio.create_task(self._renew(subject))
            self._renewals[subject] = renewal
        return await asyncio.shield(renewal)

    async def _renew(self, subject: str) -> _Lease:
        try:
            return await self._ask(subject)
        finally:
            # Not when the task is done, but before: whoever came in between would be given the
            # lease of the past again and again, and the loop would never get to anything else.
            del self._renewals[subject]

    async def _ask(self, subject: str) -> _Lease:
        asked_at = self._clock()
        count = await self._counter.take(f"{self.policy}:{subject}", self._size)
        given = self.limit - (count.taken - self._size)
        lease = _Lease(
            left=min(self._size, max(0, given)),
            unclaimed=max(0, self.limit - count.taken),
            # The minute was that long when Postgres looked at its clock, which was after we asked.
            ends_at=asked_at + min(count.seconds_left, MINUTE),
        )
        self._leases.pop(subject, None)
        self._leases[subject] = lease
        if len(self._leases) > LEASES:
            self._leases.pop(next(iter(self._leases)))
        return lease
