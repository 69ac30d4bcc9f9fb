"""Queries of erasure: which images are in use, and which runs have been kept long enough."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from projections.statements import Connection, statements

_SQL = statements("erasing.sql")


class Kept(Struct, frozen=True, kw_only=True):
    """A run that has ended and still has its private data."""

    run_id: UUID
    ended_at: datetime


THE_FIRST = Kept(run_id=UUID(int=0), ended_at=datetime.min.replace(tzinfo=UTC))
"""Comes before every run."""


async def used_keys(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return those of *keys* under which some run has an input image."""
    cursor = await connection.execute(_SQL["used_keys"], {"keys": list(keys)})
    return {row[0] for row in await cursor.fetchall()}


async def runs_with_data(
    connection: Connection, *, before: datetime, after: Kept, limit: int
) -> list[Kept]:
    """List runs that ended earlier than *before* and still have private data, behind *after*."""
    values = {
        "before": before,
        "after_time": after.ended_at,
        "after_id": after.run_id,
        "limit": limit,
    }
    cursor = await connection.execute(_SQL["runs_with_data"], values)
    return [Kept(run_id=row[0], ended_at=row[1]) for row in await cursor.fetchall()]


async def forget_progress_of(connection: Connection, run_id: UUID) -> None:
    """Drop what a run's machine last said."""
    await connection.execute(_SQL["forget_progress_of"], {"run_id": run_id})
