"""Creates the tables, and swaps rebuilt ones in for the live ones."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString

from msgspec import Struct
from psycopg import sql

from projections.statements import LIVE, Connection, number, statements
from projections.tables import TABLES

NEXT = "read_next"
"""The schema in which a rebuild works."""

COMPARED = (*TABLES, "quarantine")


class TablesOutdated(Exception):
    """An earlier version of comfyd made the tables: they have to be rebuilt."""

    def __init__(self) -> None:
        super().__init__(
            "the tables are those of an earlier version; run `comfyd projections rebuild`"
        )


class RebuildRunning(Exception):
    """Another rebuild of these tables has not ended."""


class Difference(Struct, frozen=True, kw_only=True):
    """Rows of one table that are not the same in two schemas."""

    table: str
    only_live: int
    only_rebuilt: int


async def create_tables(connection: Connection, schema: str = LIVE) -> bool:
    """Create the tables unless they are there; return whether they were made."""
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
        comment = sql.SQL("COMMENT ON SCHEMA {schema} IS {make}").format(
            schema=sql.Identifier(schema), make=sql.Literal(_make())
        )
        await connection.execute(comment)
    return True


async def check_tables(connection: Connection) -> None:
    """Return if the live tables are of this version's make.

    Raises:
        TablesOutdated: they are not.

    """
    cursor = await connection.execute(statements("schema.sql")["make"], {"schema": LIVE})
    row = await cursor.fetchone()
    if not row or row[0] != _make():
        raise TablesOutdated


def _make() -> str:
    """Return a fingerprint of the shape of the tables."""
    return hashlib.sha256(statements("schema.sql")["create"]).hexdigest()


@asynccontextmanager
async def the_only_rebuild(connection: Connection) -> AsyncIterator[None]:
    """Keep every other rebuild out; the lock ends with the connection, however that ends.

    Raises:
        RebuildRunning: another one is at work.

    """
    cursor = await connection.execute("SELECT pg_try_advisory_lock(7203902)")
    row = await cursor.fetchone()
    if not (row and row[0]):
        raise RebuildRunning
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock(7203902)")


async def drop_tables(connection: Connection, schema: str) -> None:
    """Drop a schema and all in it."""
    await _run(connection, "DROP SCHEMA IF EXISTS {schema} CASCADE", schema)


async def compare(connection: Connection) -> list[Difference]:
    """Compare the live tables with the rebuilt ones, row by row, both ways.

    Of a table whose columns an update has changed no row is the same.
    """
    found = []
    for table in COMPARED:
        if await _columns(connection, table, LIVE) == await _columns(connection, table, NEXT):
            only_live = await _count_missing(connection, table, LIVE, NEXT)
            only_rebuilt = await _count_missing(connection, table, NEXT, LIVE)
        else:
            only_live = await _count(connection, table, LIVE)
            only_rebuilt = await _count(connection, table, NEXT)
        if only_live or only_rebuilt:
            found.append(Difference(table=table, only_live=only_live, only_rebuilt=only_rebuilt))
    return found


async def swap_in(connection: Connection) -> None:
    """Put the rebuilt tables in the place of the live ones; the caller owns the transaction."""
    await drop_tables(connection, "read_old")
    await _run(connection, "ALTER SCHEMA {schema} RENAME TO read_old", LIVE)
    await _run(connection, "ALTER SCHEMA {schema} RENAME TO read", NEXT)
    await drop_tables(connection, "read_old")


async def _columns(connection: Connection, table: str, schema: str) -> list[tuple[Any, ...]]:
    """Return names and types of a table's columns, nothing when there is no such table."""
    query = statements("schema.sql")["columns"]
    cursor = await connection.execute(query, {"schema": schema, "table": table})
    return await cursor.fetchall()


async def _count(connection: Connection, table: str, schema: str) -> int:
    if not await _columns(connection, table, schema):
        return 0
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
    return await number(connection, query)


async def _count_missing(connection: Connection, table: str, one: str, other: str) -> int:
    query = sql.SQL(
        "SELECT count(*) FROM (SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other}) AS missing"
    ).format(one=sql.Identifier(one, table), other=sql.Identifier(other, table))
    return await number(connection, query)


async def _run(connection: Connection, statement: LiteralString, schema: str) -> None:
    await connection.execute(sql.SQL(statement).format(schema=sql.Identifier(schema)))
