"""Questions to the read models, a query each."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from events.batch import RunFilter
from events.run.progress import Progress
from projections.statements import Connection, number, statements
from projections.tables import Row, read_row

_SQL = statements("queries.sql")
_decode_progress = msgspec.json.Decoder(Progress).decode


class ReadModelsBehind(Exception):
    """The read models have not yet followed the log to where they must be for this question."""


class Page(Struct, frozen=True, kw_only=True):
    """A part of a list, newest first."""

    rows: list[Row]
    has_more: bool

    @property
    def next_before(self) -> int | None:
        """Where the next page starts."""
        return self.rows[-1].created_position if self.has_more else None


class RunRow(Struct, frozen=True, kw_only=True):
    """A run's row and the latest progress that was noted."""

    row: Row
    progress: Progress | None


async def find_runs(connection: Connection, ids: Collection[UUID]) -> dict[UUID, RunRow]:
    """Return the rows of these runs, of any tenant; runs without a row are left out."""
    cursor = await connection.execute(_SQL["runs_by_id"], {"ids": list(ids)})
    return {
        found[0]: RunRow(
            row=read_row("run", found),
            progress=_decode_progress(found[6]) if found[6] else None,
        )
        for found in await cursor.fetchall()
    }


class RunListFilter(RunFilter, frozen=True, kw_only=True):
    """Which runs to list: those that fit every field."""

    workflow_id: UUID | None = None
    machine_id: UUID | None = None


async def list_runs(
    connection: Connection,
    *,
    tenant: str,
    limit: int,
    before: int | None,
    fits: RunFilter,
    only: Collection[UUID] = (),
) -> Page:
    """List a tenant's runs that fit a filter; with *only*, those of these deployments."""
    every = RunListFilter(**msgspec.structs.asdict(fits))
    filters = {**msgspec.structs.asdict(every), "only": list(only) or None}
    return await _page(connection, "run", "runs", tenant, limit, before, filters)


async def list_batches(
    connection: Connection,
    *,
    tenant: str,
    limit: int,
    before: int | None,
    only: Collection[UUID] = (),
) -> Page:
    """List a tenant's batches; with *only*, those that have no runs but of these deployments."""
    filters = {"only": list(only) or None}
    return await _page(connection, "batch", "batches", tenant, limit, before, filters)


async def find_batch(connection: Connection, batch_id: UUID) -> Row | None:
    """Return a batch's row, of any tenant."""
    cursor = await connection.execute(_SQL["batch_by_id"], {"id": batch_id})
    found = await cursor.fetchone()
    return read_row("batch", found) if found else None


class BatchCount(Struct, frozen=True, kw_only=True):
    """The runs of a batch that have one status."""

    status: str
    count: int
    ended_at: datetime | None
    """When the last of them ended."""


async def count_batches(
    connection: Connection, ids: Collection[UUID]
) -> dict[UUID, list[BatchCount]]:
    """Count the runs of these batches by status; runs that have no row are left out."""
    cursor = await connection.execute(_SQL["batch_counts"], {"ids": list(ids)})
    counts: dict[UUID, list[BatchCount]] = {batch_id: [] for batch_id in ids}
    for batch_id, status, count, ended_at in await cursor.fetchall():
        counts[batch_id].append(BatchCount(status=status, count=count, ended_at=ended_at))
    return counts


async def list_workflows(
    connection: Connection,
    *,
    tenant: str,
    limit: int,
    before: int | None,
    name: str | None = None,
) -> Page:
    """List a tenant's workflows; with *name*, the one that is called so."""
    filters = {"name": name}
    return await _page(connection, "workflow", "workflows", tenant, limit, before, filters)


async def search_workflows(
    connection: Connection, *, tenant: str, text: str, limit: int, offset: int
) -> list[Row]:
    """Return a tenant's workflows whose names have *text*, those changed last first."""
    wanted = {"tenant": tenant, "text": text, "limit": limit, "offset": offset}
    cursor = await connection.execute(_SQL["search_workflows"], wanted)
    return [read_row("workflow", row) for row in await cursor.fetchall()]


async def workflow_of_version(connection: Connection, tenant: str, version_id: UUID) -> UUID | None:
    """Return the id of a tenant's workflow that has a version of this id."""
    wanted = {"tenant": tenant, "version_id": version_id}
    cursor = await connection.execute(_SQL["workflow_of_version"], wanted)
    found = await cursor.fetchone()
    return found[0] if found else None


async def list_deployments(
    connection: Connection,
    *,
    tenant: str,
    limit: int,
    before: int | None,
    workflow_id: UUID | None = None,
    environment: str | None = None,
    only: Collection[UUID] = (),
) -> Page:
    """List a tenant's deployments; with *only*, none but these."""
    filters = {"workflow_id": workflow_id, "environment": environment, "only": list(only) or None}
    return await _page(connection, "deployment", "deployments", tenant, limit, before, filters)


async def list_machines(
    connection: Connection,
    *,
    tenant: str,
    limit: int,
    before: int | None = None,
    states: Collection[str],
    name: str | None = None,
) -> Page:
    """List a tenant's machines in any of *states*; with *name*, those that are called so."""
    filters = {"states": list(states), "name": name}
    return await _page(connection, "machine", "machines", tenant, limit, before, filters)


async def open_runs_of_machine(connection: Connection, machine_id: UUID) -> int:
    """Count the runs that are bound for a machine and have not ended."""
    return await number(connection, _SQL["open_runs_of_machine"], {"machine_id": machine_id})


async def promised_batches(connection: Connection, tenant: str) -> list[UUID]:
    """Return a tenant's accepted batches of which a run may not exist yet."""
    cursor = await connection.execute(_SQL["promised_batches"], {"tenant": tenant})
    return [row[0] for row in await cursor.fetchall()]


async def list_keys(connection: Connection, *, tenant: str, limit: int, before: int | None) -> Page:
    """List a tenant's keys, also those that were revoked."""
    return await _page(connection, "key", "keys", tenant, limit, before)


class SessionHolder(Struct, frozen=True, kw_only=True):
    """Whose sessions are wanted: those of a person, or those of an API key."""

    user_id: str | None
    key_id: UUID | None


async def list_sessions(
    connection: Connection,
    *,
    tenant: str,
    holder: SessionHolder | None,
    now: datetime,
    limit: int,
    before: int | None,
) -> Page:
    """List a tenant's sessions that have not expired; with a *holder*, those of that one alone."""
    whose = holder or SessionHolder(user_id=None, key_id=None)
    filters = {"own": holder is not None, "now": now, **msgspec.structs.asdict(whose)}
    return await _page(connection, "session", "sessions", tenant, limit, before, filters)


async def list_organisations(
    connection: Connection, *, user_id: str | None, tenant: str, limit: int, before: int | None
) -> Page:
    """List the organisations that a user belongs to, and the one that is the tenant."""
    filters = {"user_id": user_id}
    return await _page(connection, "organisation", "organisations", tenant, limit, before, filters)


async def position(connection: Connection) -> int:
    """Return the position up to which the read models have followed the log."""
    return await number(connection, _SQL["position"])


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
    rows = [read_row(kind, row) for row in found[:limit]]
    return Page(rows=rows, has_more=len(found) > limit)
