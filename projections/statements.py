"""Loads named SQL statements from the .sql file beside a module, and reads what is a number."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from psycopg import AsyncConnection, sql

Connection = AsyncConnection[tuple[Any, ...]]

LIVE = "read"
"""The schema that readers read."""


@cache
def statements(file: str, schema: str = LIVE, **names: str) -> dict[str, bytes]:
    """Load *file*, with {schema} and other *names* put in: its statements by name."""
    text = files("projections").joinpath(file).read_text(encoding="utf-8")
    found: dict[str, bytes] = {}
    for part in text.split("-- name: ")[1:]:
        name, _, body = part.partition("\n")
        identifiers = {key: sql.Identifier(value) for key, value in names.items()}
        statement = sql.SQL(body).format(schema=sql.Identifier(schema), **identifiers)
        found[name.strip()] = statement.as_bytes()
    return found


async def number(
    connection: Connection, query: bytes | sql.Composed, values: Mapping[str, object] | None = None
) -> int:
    """Return the number that a query finds; 0 when it finds no row."""
    row = await (await connection.execute(query, values)).fetchone()
    return int(row[0]) if row else 0
