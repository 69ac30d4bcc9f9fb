"""How the read models are kept: who folds the log into them, and what they leave out."""

from events.run.state import Run
from projections.statements import Connection, statements
from projections.tables import TABLES

PROJECTOR = "comfyd projector"
"""What the connection that folds is called in Postgres."""

_SQL = statements("health.sql")


async def count_projectors(connection: Connection) -> int:
    """Count the projectors that are connected to this database."""
    return await _count(connection, "projectors", name=PROJECTOR)


async def count_quarantined(connection: Connection) -> int:
    """Count the aggregates that are not folded any more."""
    return await _count(connection, "quarantined")


async def open_runs(connection: Connection, *, tenant: str, limit: int) -> list[Run]:
    """Return the oldest runs of a tenant that have not ended."""
    values = {"tenant": tenant, "limit": limit}
    cursor = await connection.execute(_SQL["open_runs"], values)
    return [TABLES["run"].decode(row[0]) for row in await cursor.fetchall()]


async def _count(connection: Connection, statement: str, **values: object) -> int:
    cursor = await connection.execute(_SQL[statement], values)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
