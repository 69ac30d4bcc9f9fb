"""What readiness says of the parts that an API process can do without.

A load balancer acts on 503, so these never cause one: with a replica, every worker or the projector
gone runs are still accepted, and no other API process would do better.
"""

import time
from collections.abc import Callable

from app.doctor.checks.read_models import FAR_BEHIND
from infra.jetstream.health.replicas import StreamHealth
from infra.jetstream.health.system import SystemHealth
from infra.postgres import Pool, PostgresUnavailable
from projections.health import count_projectors
from projections.queries import position

STANDS_AFTER = 5.0
"""Seconds without a step after which a projector that is behind counts as stopped."""


async def replicas_part(system: SystemHealth, stream: StreamHealth | None) -> str:
    """Return how the log is replicated: ok, silent, behind, leaderless or away."""
    if stream is None:
        return "away"
    if not stream.leader:
        return "leaderless" if await system.answers() else "away"
    if any(replica.silent for replica in stream.replicas):
        return "silent"
    return "behind" if any(replica.behind for replica in stream.replicas) else "ok"


async def workers_part(system: SystemHealth) -> str:
    """Return whether a worker listens: ok, none or away."""
    return {True: "ok", False: "none", None: "away"}[await system.worker_listens()]


class ProjectorPart:
    """Watches how the tables follow the log, from look to look."""

    def __init__(self, pool: Pool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._position = 0
        self._behind_since: float | None = None

    async def look(self, head: int) -> str:
        """Return how the tables follow the log, which was at *head*: ok, none, behind or away."""
        try:
            async with self._pool.connection() as connection:
                at, projectors = await position(connection), await count_projectors(connection)
        except (PostgresUnavailable, TimeoutError):
            return "away"
        if not projectors:
            return "none"
        return "behind" if head - at > FAR_BEHIND or self.stands(at, head) else "ok"

    def stands(self, at: int, head: int) -> bool:
        """Return whether the tables have been behind for some time without a step."""
        now = self._clock()
        if at >= head:
            self._behind_since = None
        elif self._behind_since is None or at != self._position:
            self._behind_since = now
        self._position = at
        return self._behind_since is not None and now - self._behind_since >= STANDS_AFTER
