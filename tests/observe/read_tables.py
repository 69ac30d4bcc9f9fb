"""What the tables of the read models hold."""

from typing import Any

from psycopg import sql

from infra.postgres import Connection
from projections.schema import COMPARED


async def rows(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, in order."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in (*COMPARED, "checkpoint"):
        query = sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier("read", table))
        found[table] = await (await connection.execute(query)).fetchall()
    return found
