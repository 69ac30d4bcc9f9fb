"""/health: whether the process lives, and whether it can do its work."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypedDict

from litestar import Response, get
from litestar.datastructures import State

from app.doctor.readiness import ProjectorPart, replicas_part, workers_part
from app.openapi import response
from app.single_flight import SingleFlight
from infra.event_store import EventStore, LogUnavailable
from infra.jetstream.health.log import LogCheck
from infra.jetstream.health.system import SystemHealth
from infra.postgres import Pool, PostgresUnavailable
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from infra.telemetry.internal_server import Health
from infra.wait_without_cancel import wait_without_cancel
from projections.queries import position

AWAY = (LogUnavailable, StorageUnavailable, StorageRefused, PostgresUnavailable, TimeoutError)

log = logging.getLogger(__name__)

FRESH = 1.0
"""Seconds for which the parts are not asked again: anybody may ask us, without a credential."""

ANSWER_WITHIN = 3.0
"""Seconds a part has for its answer; probes give up after five."""

PATIENCE = 1.0
"""Seconds that parts may take which make no process unready. Later they are as they were before."""

Parts = Mapping[str, str]


class Liveness(TypedDict):
    """Whether the process runs; it says so itself."""

    status: str


class Readiness(TypedDict):
    """What answers: ok or away; the log may also be unwritable.

    Of the rest nobody needs anything to accept a run: the log's replicas (silent, behind,
    leaderless), workers (none) and the projector (none, behind); unknown until they have answered.
    """

    status: str
    log: str
    storage: str
    read_models: str
    replicas: str
    workers: str
    projector: str


@get("/health/live", operation_id="checkLive")
async def live() -> Liveness:
    """Answer while the process runs."""
    return {"status": "ok"}


@get(
    "/health/ready",
    operation_id="checkReady",
    responses=response(503, Readiness, "Runs cannot be accepted just now."),
)
async def ready(state: State) -> Response[Readiness]:
    """Return which parts answer; 503 when runs cannot be accepted.

    Without Postgres runs are accepted and followed all the same; only lists are missing. Nor do
    replicas, workers or the projector take an API process out of its load balancer.
    """
    readings: Readings = state.readings
    health = await readings.health()
    answer = Readiness(
        status="ok" if health.ok else "not ready",
        log=health.parts["log"],
        storage=health.parts["storage"],
        read_models=health.parts["read_models"],
        replicas=health.parts["replicas"],
        workers=health.parts["workers"],
        projector=health.parts["projector"],
    )
    return Response(answer, status_code=200 if health.ok else 503)


class Readings:
    """What the parts say of themselves, asked anew once a second at most."""

    def __init__(
        self,
        store: EventStore,
        log_check: LogCheck,
        storage: ObjectStorage,
        pool: Pool,
        system: SystemHealth,
        *,
        is_closing: Callable[[], bool],
    ) -> None:
        """Ask these parts; the process is not ready any more when it *is_closing*."""
        self._store = store
        self._log_check = log_check
        self._storage = storage
        self._pool = pool
        self._system = system
        self._is_closing = is_closing
        self._projector = ProjectorPart(pool)
        self._shared: SingleFlight[Parts] = SingleFlight(FRESH)
        self._last: Parts = {}
        self._looking: asyncio.Task[Parts] | None = None
        self._asking: asyncio.Task[Parts] | None = None
        self._others_known: Parts = dict.fromkeys(("replicas", "workers", "projector"), "unknown")

    async def now(self) -> Parts:
        """Return the state of each part."""
        return await self._shared.of(self._look)

    async def health(self) -> Health:
        """Return whether runs can be accepted just now."""
        parts = await self.now()
        return Health(ok=parts["log"] == "ok" and not self._is_closing(), parts=parts)

    def look_soon(self) -> None:
        """Look while something is wrong, whether or not anybody asks.

        A stream that could not be written stays so, also when there is room again. The probe's
        has to fail with those of the runs, or it would still be well when they are not.
        """
        self._looking = asyncio.create_task(self.now())

    async def _look(self) -> Parts:
        parts, others = await asyncio.gather(self._parts(), self._others())
        parts = {**parts, **others}
        for name, says in parts.items():
            before = self._last.get(name, "ok")
            if says != before:
                level = logging.INFO if says == "ok" else logging.WARNING
                log.log(level, "part.changed", extra={"part": name, "now": says, "before": before})
        self._last = parts
        return parts

    async def _others(self) -> Parts:
        """Return what runs are accepted without; a probe does not wait long for it."""
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
            "projector": await self._projector.look(stream.last if stream else 0),
        }

    async def _parts(self) -> Parts:
        """Ask every part whether it answers, and the log whether it writes."""

        async def postgres() -> None:
            async with self._pool.connection() as connection:
                await position(connection)

        told, stored, listed = await asyncio.gather(
            self._log(), _part(self._storage.check()), _part(postgres())
        )
        return {"log": told, "storage": stored, "read_models": listed}

    async def _log(self) -> str:
        told = await _part(self._store.last("ready-check"))
        if told == "ok" and not await self._log_check.can_write():
            return "unwritable"
        return told


async def _part(check: Coroutine[Any, Any, object]) -> str:
    try:
        await wait_without_cancel(ANSWER_WITHIN, check)
    except AWAY:
        return "away"
    return "ok"


ROUTES = [live, ready]
