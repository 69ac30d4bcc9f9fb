"""How the read models are: what is in quarantine, and how many runs have which status."""

from msgspec import Struct

from projections.statements import Connection, statements

_SQL = statements("queries.sql")


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
