"""Questions to the read models, a query each."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from events.progress import Progress
from projections.statements import statements
from projections.tables import TABLES, Row, Table

_SQL = statements("queries.sql")
_decode_progress = msgspec.json.Decoder(Progress).decode

Connection = AsyncConnection[tuple[Any, ...]]


class Page(Struct, frozen=True, kw_only=True):
    """A part of a list, newest first."""

    rows: list[Row]
    has_more: bool

    @property
    def next_before(self) -> int | None:
        """Where the next page starts."""
        return self.rows[-1].created_position if self.has_more else None


class RunRow(Struct, frozen=True, kw_only=True):
    """A run's row and the latest progress that anyone noted."""

    row: Row
    progress: Progress | None


async def find_runs(connection: Connection, ids: Collection[UUID]) -> dict[UUID, RunRow]:
    """Give the rows of these runs, of whatever tenant; those that have none are left out."""
    cursor = await connection.execute(_SQL["runs_by_id"], {"ids": list(ids)})
    return {
        found[0]: RunRow(
            row=_row(TABLES["run"], found),
            progress=_decode_progress(found[6]) if found[6] else None,
        )
        for found in await cursor.fetchall()
    }


async def list_runs(
    connection: Connection,
    *,
    tenant: str,
    limit: int,
    before: int | None,
    status: str | None,
    deployment_id: UUID | None,
) -> Page:
    """List a tenant's runs."""
    filters = {"status": status, "deployment_id": deployment_id}
    return await _page(connection, "run", "runs", tenant, limit, before, filters)


async def list_workflows(
    connection: Connection, *, tenant: str, limit: int, before: int | None
) -> Page:
    """List a tenant's workflows."""
    return await _page(connection, "workflow", "workflows", tenant, limit, before)


async def list_deployments(
    connection: Connection, *, tenant: str, limit: int, before: int | None
) -> Page:
    """List a tenant's deployments."""
    return await _page(connection, "deployment", "deployments", tenant, limit, before)


async def list_machines(
    connection: Connection, *, tenant: str, limit: int, before: int | None
) -> Page:
    """List a tenant's machines."""
    return await _page(connection, "machine", "machines", tenant, limit, before)


async def position(connection: Connection) -> int:
    """Give the position up to which the read models have followed the log."""
    cursor = await connection.execute(_SQL["position"])
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def note_progress(connection: Connection, latest: dict[str, bytes]) -> None:
    """Keep the latest progress of runs."""
    rows = [{"run_id": run_id, "progress": progress} for run_id, progress in latest.items()]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_SQL["note_progress"], rows)


async def forget_progress(connection: Connection) -> None:
    """Drop progress that nobody can want any more."""
    await connection.execute(_SQL["forget_progress"])


async def _page(
    connection: Connection,
    kind: str,
    statement: str,
    tenant: str,
    limit: int,
    before: int | None,
    filters: Mapping[str, object] | None = None,
) -> Page:
    # One more than asked for tells whether there is more.
    values = {"tenant": tenant, "limit": limit + 1, "before": before, **(filters or {})}
    cursor = await connection.execute(_SQL[statement], values)
    found = await cursor.fetchall()
    rows = [_row(TABLES[kind], row) for row in found[:limit]]
    return Page(rows=rows, has_more=len(found) > limit)


def _row(table: Table, found: tuple[Any, ...]) -> Row:
    return Row(
        id=found[0],
        tenant=found[1],
        created_position=found[2],
        position=found[3],
        version=found[4],
        state=table.decode(found[5]),
    )


class Quarantined(Struct, frozen=True, kw_only=True):
    """An aggregate that could not be folded."""

    aggregate: str
    position: int
    event_type: str
    error: str


async def quarantine(connection: Connection) -> list[Quarantined]:
    """List what could not be folded."""
    cursor = await connection.execute(_SQL["quarantine"])
    return [
        Quarantined(aggregate=row[0], position=row[1], event_type=row[2], error=row[3])
        for row in await cursor.fetchall()
    ]


async def status_counts(connection: Connection) -> list[tuple[str, int]]:
    """Count the runs in each status."""
    cursor = await connection.execute(_SQL["status_counts"])
    return [(row[0], row[1]) for row in await cursor.fetchall()]
