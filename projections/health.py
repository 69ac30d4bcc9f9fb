"""How the read models are: who folds the log into them, what they leave out, what Postgres can."""

import psycopg
from msgspec import Struct

from events.run.state import Run
from projections.statements import Connection, number, statements
from projections.tables import TABLES

PROJECTOR = "comfyd projector"
"""What the connection that folds is called in Postgres."""

_SQL = statements("health.sql")


class Quarantined(Struct, frozen=True, kw_only=True):
    """An aggregate that could not be folded."""

    aggregate: str
    position: int
    event_type: str
    error: str


async def count_projectors(connection: Connection) -> int:
    """Count the projectors that are connected to this database."""
    return await number(connection, _SQL["projectors"], {"name": PROJECTOR})


async def count_quarantined(connection: Connection) -> int:
    """Count the aggregates that are not folded any more."""
    return await number(connection, _SQL["quarantined"])


async def open_runs(connection: Connection, *, tenant: str, limit: int) -> list[Run]:
    """Return the oldest runs of a tenant that have not ended."""
    values = {"tenant": tenant, "limit": limit}
    cursor = await connection.execute(_SQL["open_runs"], values)
    decode = TABLES["run"].decode
    return [decode(row[0]) for row in await cursor.fetchall()]


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


async def server_version(connection: Connection) -> int:
    """Return the major version of the server."""
    return await number(connection, _SQL["server_version"]) // 10_000


async def write_probe(connection: Connection) -> str:
    """Store 128 KB for a moment; return why it cannot be stored, empty if it can."""
    try:
        async with connection.transaction():
            await connection.execute(_SQL["write_probe"])
    except (psycopg.errors.DiskFull, psycopg.errors.ReadOnlySqlTransaction) as error:
        return str(error.diag.message_primary)
    except psycopg.errors.InsufficientPrivilege:
        pass  # comfyd needs no temporary tables but for this
    return ""
