"""Readiness of an API process: which of its parts answer, and whether it can accept runs.

A load balancer acts on 503, so only the log causes one. With a replica, every worker or the
projector gone runs are still accepted, and no other API process would do better.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.doctor.checks.read_models import FAR_BEHIND
from app.reads.single_flight import SingleFlight
from infra.event_store import EventStore, LogUnavailable
from infra.jetstream.health.cluster import ClusterHealth
from infra.jetstream.health.log import LogCheck
from infra.jetstream.health.replicas import StreamHealth
from infra.postgres import Pool, PostgresUnavailable
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from infra.telemetry.internal_server import Health
from infra.wait_without_cancel import wait_without_cancel
from projections.health import count_projectors
from projections.queries import position

AWAY = (LogUnavailable, StorageUnavailable, StorageRefused, PostgresUnavailable, TimeoutError)

log = logging.getLogger(__name__)

FRESH = 1.0
"""Seconds for which an answer is kept: no credential is needed to ask."""

ANSWER_WITHIN = 3.0
"""Seconds a part has for its answer; probes give up after five."""

PATIENCE = 1.0
"""Seconds that parts may take which make no process unready. Later they are as they were before."""

STALLED_AFTER = 5.0
"""Seconds without a step after which a projector that is behind counts as stopped."""

Parts = Mapping[str, str]


class ReadinessCheck:
    """State of each part, asked for once a second at most."""

    def __init__(
        self,
        store: EventStore,
        log_check: LogCheck,
        storage: ObjectStorage,
        pool: Pool,
        system: ClusterHealth,
        *,
        is_closing: Callable[[], bool],
    ) -> None:
        """Check these parts; a process that *is_closing* is not ready."""
        self._store = store
        self._log_check = log_check
        self._storage = storage
        self._pool = pool
        self._system = system
        self._is_closing = is_closing
        self._projector = ProjectorPart(pool)
        self._shared: SingleFlight[Parts] = SingleFlight(FRESH)
        self._last: Parts = {}
        self._checking: asyncio.Task[Parts] | None = None
        self._asking: asyncio.Task[Parts] | None = None
        self._others_known: Parts = dict.fromkeys(("replicas", "workers", "projector"), "unknown")

    async def parts(self) -> Parts:
        """Return the state of each part."""
        return await self._shared.of(self._check)

    async def health(self) -> Health:
        """Return whether runs can be accepted just now."""
        parts = await self.parts()
        return Health(ok=parts["log"] == "ok" and not self._is_closing(), parts=parts)

    def check_soon(self) -> None:
        """Check while something is wrong, also if no probe asks.

        A stream that could not be written stays so, also when there is room again. The probe's
        has to fail with those of the runs, or it would still be well when they are not.
        """
        self._checking = asyncio.create_task(self.parts())

    async def _check(self) -> Parts:
        parts, others = await asyncio.gather(self._required(), self._others())
        parts = {**parts, **others}
        for name, now in parts.items():
            before = self._last.get(name, "ok")
            if now != before:
                level = logging.INFO if now == "ok" else logging.WARNING
                log.log(level, "part.changed", extra={"part": name, "now": now, "before": before})
        self._last = parts
        return parts

    async def _others(self) -> Parts:
        """Return the parts without which runs are accepted; a probe does not wait long for them."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_others())
        await asyncio.wait({self._asking}, timeout=PATIENCE)
        if self._asking.done():
            self._others_known = self._asking.result()
        return self._others_known

    async def _ask_others(self) -> Parts:
        stream, workers = await asyncio.gather(
            self._system.log_stream(), workers_part(self._system)
        )
        return {
            "replicas": await replicas_part(self._system, stream),
            "workers": workers,
            "projector": await self._projector.state(stream.last if stream else 0),
        }

    async def _required(self) -> Parts:
        """Return the parts that are asked at each check; the log is written to, too."""

        async def postgres() -> None:
            async with self._pool.connection() as connection:
                await position(connection)

        written, stored, listed = await asyncio.gather(
            self._log(), _part(self._storage.check()), _part(postgres())
        )
        return {"log": written, "storage": stored, "read_models": listed}

    async def _log(self) -> str:
        state = await _part(self._store.last("ready-check"))
        if state == "ok" and not await self._log_check.can_write():
            return "unwritable"
        return state


async def _part(check: Coroutine[Any, Any, object]) -> str:
    try:
        await wait_without_cancel(ANSWER_WITHIN, check)
    except AWAY:
        return "away"
    return "ok"


async def replicas_part(system: ClusterHealth, stream: StreamHealth | None) -> str:
    """Return how the log is replicated: ok, silent, behind, leaderless or away."""
    if stream is None:
        return "away"
    if not stream.leader:
        return "leaderless" if await system.answers() else "away"
    if any(replica.silent for replica in stream.replicas):
        return "silent"
    return "behind" if any(replica.behind for replica in stream.replicas) else "ok"


async def workers_part(system: ClusterHealth) -> str:
    """Return whether a worker listens: ok, none or away."""
    return {True: "ok", False: "none", None: "away"}[await system.worker_listens()]


class ProjectorPart:
    """Watches how the tables follow the log, from look to look."""

    def __init__(self, pool: Pool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._position = 0
        self._behind_since: float | None = None

    async def state(self, head: int) -> str:
        """Return how the tables follow the log, which was at *head*: ok, none, behind or away."""
        try:
            async with self._pool.connection() as connection:
                at, projectors = await position(connection), await count_projectors(connection)
        except (PostgresUnavailable, TimeoutError):
            return "away"
        if not projectors:
            return "none"
        return "behind" if head - at > FAR_BEHIND or self.is_stalled(at, head) else "ok"

    def is_stalled(self, at: int, head: int) -> bool:
        """Return whether the tables have been behind for some time without a step."""
        now = self._clock()
        if at >= head:
            self._behind_since = None
        elif self._behind_since is None or at != self._position:
            self._behind_since = now
        self._position = at
        return self._behind_since is not None and now - self._behind_since >= STALLED_AFTER
