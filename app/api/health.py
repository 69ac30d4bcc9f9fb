"""/health/live and /health/ready: whether the process lives, and whether it can do its work."""

from typing import TypedDict

from litestar import Response, get
from litestar.datastructures import State

from app.doctor.readiness import ReadinessCheck
from app.openapi import response


class Liveness(TypedDict):
    """Whether the process runs; it says so itself."""

    status: str


class Readiness(TypedDict):
    """What answers: ok or away; the log may also be unwritable.

    Runs are accepted without the rest: the log's replicas (silent, behind,
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
    check: ReadinessCheck = state.readiness_check
    health = await check.health()
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


ROUTES = [live, ready]
