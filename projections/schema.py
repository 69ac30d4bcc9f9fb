"""Creates the tables, and swaps rebuilt ones in for the live ones."""

from typing import Any, LiteralString

from msgspec import Struct
from psycopg import AsyncConnection, sql

from projections.statements import LIVE, statements

NEXT = "read_next"
"""The schema in which a rebuild works."""

COMPARED = ("run", "workflow", "deployment", "machine", "quarantine")

Connection = AsyncConnection[tuple[Any, ...]]


class Difference(Struct, frozen=True, kw_only=True):
    """Rows of one table that are not the same in two schemas."""

    table: str
    only_live: int
    only_rebuilt: int


async def create_tables(connection: Connection, schema: str = LIVE) -> bool:
    """Create the tables unless they are there; tell whether they had to be made."""
    named = statements("schema.sql", schema)
    async with connection.transaction():
        # Two processes may start at once; the second waits and then finds the tables.
        await connection.execute("SELECT pg_advisory_xact_lock(7203901)")
        await connection.execute(named["create_hints"])
        cursor = await connection.execute(named["exists"], {"schema": schema})
        row = await cursor.fetchone()
        if row and row[0]:
            return False
        await connection.execute(named["create"])
    return True


async def drop_tables(connection: Connection, schema: str) -> None:
    """Drop a schema and all in it."""
    await _run(connection, "DROP SCHEMA IF EXISTS {schema} CASCADE", schema)


async def compare(connection: Connection) -> list[Difference]:
    """Compare the live tables with the rebuilt ones, row by row, both ways."""
    found = []
    for table in COMPARED:
        only_live = await _count_missing(connection, table, LIVE, NEXT)
        only_rebuilt = await _count_missing(connection, table, NEXT, LIVE)
        if only_live or only_rebuilt:
            found.append(Difference(table=table, only_live=only_live, only_rebuilt=only_rebuilt))
    return found


async def swap_in(connection: Connection) -> None:
    """Put the rebuilt tables in the place of the live ones; the caller owns the transaction."""
    await drop_tables(connection, "read_old")
    await _run(connection, "ALTER SCHEMA {schema} RENAME TO read_old", LIVE)
    await _run(connection, "ALTER SCHEMA {schema} RENAME TO read", NEXT)
    await drop_tables(connection, "read_old")


async def _count_missing(connection: Connection, table: str, one: str, other: str) -> int:
    query = sql.SQL(
        "SELECT count(*) FROM (SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other}) AS missing"
    ).format(one=sql.Identifier(one, table), other=sql.Identifier(other, table))
    cursor = await connection.execute(query)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _run(connection: Connection, statement: LiteralString, schema: str) -> None:
    await connection.execute(sql.SQL(statement).format(schema=sql.Identifier(schema)))
