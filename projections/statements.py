"""Loads named SQL statements from the .sql file beside a module; Python holds no SQL."""

from functools import cache
from importlib.resources import files
from typing import Any

from psycopg import AsyncConnection, sql

Connection = AsyncConnection[tuple[Any, ...]]

LIVE = "read"
"""The schema that readers read."""


@cache
def statements(file: str, schema: str = LIVE) -> dict[str, bytes]:
    """Load *file*, with {schema} put in: its statements by name."""
    text = files("projections").joinpath(file).read_text(encoding="utf-8")
    found: dict[str, bytes] = {}
    for part in text.split("-- name: ")[1:]:
        name, _, body = part.partition("\n")
        template = sql.SQL(body)
        found[name.strip()] = template.format(schema=sql.Identifier(schema)).as_bytes()
    return found
