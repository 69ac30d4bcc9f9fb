"""/health: whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable

from litestar import Response, get
from litestar.di import NamedDependency

from app.house import House
from infra.event_store import LogUnavailable
from infra.object_storage import StorageRefused, StorageUnavailable
from infra.postgres import POSTGRES_AWAY
from projections.queries import position

AWAY = (LogUnavailable, StorageUnavailable, StorageRefused, *POSTGRES_AWAY, TimeoutError)


@get("/health/live")
async def live() -> dict[str, str]:
    """Answer while the process runs."""
    return {"status": "ok"}


@get("/health/ready")
async def ready(house: NamedDependency[House]) -> Response[dict[str, str]]:
    """Tell which parts answer; 503 when runs cannot be accepted.

    Without Postgres runs are accepted and followed all the same; only lists are missing.
    """

    async def postgres() -> None:
        async with house.pool.connection() as connection:
            await position(connection)

    async def log() -> None:
        await house.store.last("ready-check")

    parts = await asyncio.gather(_part(log()), _part(house.storage.check()), _part(postgres()))
    answer = dict(zip(("log", "storage", "read_models"), parts, strict=True))
    accepting = answer["log"] == "ok" and not house.hub.closed
    answer["status"] = "ok" if accepting else "not ready"
    return Response(answer, status_code=200 if accepting else 503)


async def _part(check: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(3):
            await check
    except AWAY:
        return "away"
    return "ok"


ROUTES = [live, ready]
