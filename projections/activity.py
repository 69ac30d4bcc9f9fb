"""What a tenant's runs do now, and what became of them in the last hours."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from projections.statements import Connection, statements

_SQL = statements("activity.sql")


class OpenRuns(Struct, frozen=True, kw_only=True):
    """Open runs of one status on one machine that wait for the same thing, counted."""

    status: str
    waits_for: str | None
    machine_id: UUID
    count: int
    oldest_at: datetime


class Spread(Struct, frozen=True, kw_only=True):
    """How long something took, in seconds: half of the runs less than this, and 95 of 100."""

    p50: float
    p95: float


class HourOfRuns(Struct, frozen=True, kw_only=True):
    """The runs that ended in one hour."""

    at: datetime
    success: int
    failed: int
    cancelled: int
    timeout: int
    wait: Spread | None
    render: Spread | None


async def open_runs(
    connection: Connection, *, tenant: str, only: Collection[UUID] = ()
) -> list[OpenRuns]:
    """Count a tenant's open runs; with *only*, those of these deployments."""
    values = {"tenant": tenant, "only": list(only) or None}
    cursor = await connection.execute(_SQL["open_runs"], values)
    return [
        OpenRuns(
            status=status, waits_for=waits_for, machine_id=machine, count=count, oldest_at=oldest
        )
        for status, waits_for, machine, count, oldest in await cursor.fetchall()
    ]


async def hours(
    connection: Connection, *, tenant: str, since: datetime, only: Collection[UUID] = ()
) -> list[HourOfRuns]:
    """Count a tenant's runs by the hour in which they ended; hours without any are left out."""
    values = {"tenant": tenant, "since": since, "only": list(only) or None}
    cursor = await connection.execute(_SQL["hours"], values)
    return [
        HourOfRuns(
            at=at,
            success=success,
            failed=failed,
            cancelled=cancelled,
            timeout=timeout,
            wait=_spread(wait),
            render=_spread(render),
        )
        for at, success, failed, cancelled, timeout, wait, render in await cursor.fetchall()
    ]


def _spread(found: list[float] | None) -> Spread | None:
    return Spread(p50=round(found[0], 3), p95=round(found[1], 3)) if found else None
