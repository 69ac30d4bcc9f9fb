"""/health: whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import TypedDict

from litestar import Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency

from app.house import House
from app.openapi import again
from app.shared_answer import SharedAnswer
from infra.event_store import LogUnavailable
from infra.object_storage import StorageRefused, StorageUnavailable
from infra.postgres import POSTGRES_AWAY
from projections.queries import position

AWAY = (LogUnavailable, StorageUnavailable, StorageRefused, *POSTGRES_AWAY, TimeoutError)


FRESH = 1.0
"""Seconds for which the parts are not asked again: anybody may ask us, without a credential."""

Parts = Mapping[str, str]


class Liveness(TypedDict):
    """Whether the process runs; it says so itself."""

    status: str


class Readiness(TypedDict):
    """What answers: ok or away."""

    status: str
    log: str
    storage: str
    read_models: str


@get("/health/live")
async def live() -> Liveness:
    """Answer while the process runs."""
    return {"status": "ok"}


@get("/health/ready", responses=again(503, Readiness, "Runs cannot be accepted just now."))
async def ready(house: NamedDependency[House], state: State) -> Response[Readiness]:
    """Tell which parts answer; 503 when runs cannot be accepted.

    Without Postgres runs are accepted and followed all the same; only lists are missing.
    """
    parts: Parts = await state.parts.of(partial(_parts, house))
    accepting = parts["log"] == "ok" and not house.hub.closed
    answer = Readiness(
        status="ok" if accepting else "not ready",
        log=parts["log"],
        storage=parts["storage"],
        read_models=parts["read_models"],
    )
    return Response(answer, status_code=200 if accepting else 503)


def shared_parts() -> SharedAnswer[Parts]:
    """Give what all who ask at about the same time are answered from."""
    return SharedAnswer(FRESH)


async def _parts(house: House) -> Parts:
    """Ask every part whether it answers."""

    async def postgres() -> None:
        async with house.pool.connection() as connection:
            await position(connection)

    async def log() -> None:
        await house.store.last("ready-check")

    told, stored, listed = await asyncio.gather(
        _part(log()), _part(house.storage.check()), _part(postgres())
    )
    return {"log": told, "storage": stored, "read_models": listed}


async def _part(check: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(3):
            await check
    except AWAY:
        return "away"
    return "ok"


ROUTES = [live, ready]
