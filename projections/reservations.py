"""Counts a tenant's runs exactly, with those that were let in and are not in the tables yet."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from events.run.status import TERMINAL, Status
from projections.statements import Connection, number, statements

_SQL = statements("reservations.sql")
_OPEN = [str(status) for status in Status if status not in TERMINAL]


@asynccontextmanager
async def one_at_a_time(connection: Connection, tenant: str) -> AsyncIterator[None]:
    """Keep other requests from counting this tenant's runs until the block has ended."""
    async with connection.transaction():
        await connection.execute(_SQL["lock"], {"tenant": tenant})
        await connection.execute(_SQL["forget_projected"], {"tenant": tenant})
        yield


async def new_runs(connection: Connection, run_ids: Collection[UUID]) -> list[UUID]:
    """Return those runs that are neither in the tables nor reserved."""
    cursor = await connection.execute(_SQL["new"], {"run_ids": list(run_ids)})
    return [row[0] for row in await cursor.fetchall()]


async def runs_in_flight(connection: Connection, tenant: str) -> int:
    """Count the runs that have not ended."""
    return await number(connection, _SQL["in_flight"], {"tenant": tenant, "open": _OPEN})


async def runs_made_since(connection: Connection, tenant: str, since: datetime) -> int:
    """Count the runs made at *since* or later."""
    return await number(connection, _SQL["made_since"], {"tenant": tenant, "since": since})


async def reserve(
    connection: Connection, tenant: str, run_ids: Collection[UUID], now: datetime
) -> None:
    """Count these runs from now on."""
    values = {"tenant": tenant, "run_ids": list(run_ids), "made_at": now}
    await connection.execute(_SQL["reserve"], values)


async def release(connection: Connection, run_ids: Collection[UUID]) -> None:
    """Count these runs no longer, unless the tables have them."""
    await connection.execute(_SQL["release"], {"run_ids": list(run_ids)})


async def old_reservations(
    connection: Connection, tenant: str, *, before: datetime, limit: int
) -> Sequence[UUID]:
    """Return runs that should be in the tables by now, and are not."""
    values = {"tenant": tenant, "before": before, "limit": limit}
    cursor = await connection.execute(_SQL["old"], values)
    return [row[0] for row in await cursor.fetchall()]
