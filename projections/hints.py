"""What is worth knowing and may be lost: the progress of runs, and when keys were used."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from projections.statements import Connection, statements

_SQL = statements("hints.sql")


async def note_progress(connection: Connection, latest: dict[str, bytes]) -> None:
    """Keep the latest progress of runs."""
    rows = [{"run_id": run_id, "progress": progress} for run_id, progress in latest.items()]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_SQL["note_progress"], rows)


async def forget_progress(connection: Connection) -> None:
    """Drop progress that is not needed any more."""
    await connection.execute(_SQL["forget_progress"])


async def note_key_uses(connection: Connection, uses: Mapping[UUID, datetime]) -> None:
    """Keep when keys were used last."""
    rows = [{"key_id": key_id, "used_at": used_at} for key_id, used_at in uses.items()]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_SQL["note_key_use"], rows)


async def key_uses(connection: Connection, ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when each of these keys was used last, as far as it is known."""
    cursor = await connection.execute(_SQL["key_uses"], {"ids": list(ids)})
    return {row[0]: row[1] for row in await cursor.fetchall()}
