"""The database of a comfyui-deploy: its tables, filled by a test, in the Postgres of the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from psycopg import sql
from psycopg.types.json import Jsonb

from infra.postgres import Connection, connect

_TABLES = Path(__file__).with_name("comfyui_deploy.sql")
TABLES = (
    "users",
    "workflows",
    "workflow_versions",
    "machines",
    "deployments",
    "api_keys",
    "workflow_runs",
    "workflow_run_outputs",
    "auth_requests",
)
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)


class ComfyUIDeploy:
    """Fills the tables; each row is a second younger than the one before."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.url = url
        self._connection = connection
        self._rows = 0

    async def user(self, user_id: str) -> None:
        """Add a user."""
        await self.add("users", id=user_id, username=user_id, name=user_id)

    async def add(self, table: str, **columns: Any) -> str:
        """Add a row; return its id."""
        self._rows += 1
        moment = _BEGIN + timedelta(seconds=self._rows)
        row = {"id": str(uuid4()), "created_at": moment, **columns}
        if table != "workflow_runs":
            row.setdefault("updated_at", moment)
        values = {n: Jsonb(v) if isinstance(v, dict) else v for n, v in row.items()}
        statement = sql.SQL("INSERT INTO comfyui_deploy.{} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        )
        await self._connection.execute(statement, values)
        return str(row["id"])

    async def change(self, table: str, row_id: str, **columns: Any) -> None:
        """Change a row, which is the youngest change then."""
        self._rows += 1
        values = {**columns, "updated_at": _BEGIN + timedelta(seconds=self._rows)}
        statement = sql.SQL("UPDATE comfyui_deploy.{} SET {} WHERE id = %(row_id)s::uuid").format(
            sql.Identifier(table),
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in values
            ),
        )
        await self._connection.execute(statement, {**values, "row_id": row_id})

    async def remove(self, table: str, row_id: str) -> None:
        """Remove a row, and what hangs on it."""
        statement = sql.SQL("DELETE FROM comfyui_deploy.{} WHERE id = %s::uuid")
        await self._connection.execute(statement.format(sql.Identifier(table)), [row_id])

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table, to see that none has changed."""
        found = {}
        for table in TABLES:
            query = sql.SQL("SELECT t::text FROM comfyui_deploy.{} t ORDER BY 1").format(
                sql.Identifier(table)
            )
            found[table] = await (await self._connection.execute(query)).fetchall()
        return found


@asynccontextmanager
async def comfyui_deploy(postgres_url: str) -> AsyncIterator[ComfyUIDeploy]:
    """Make the database beside that of *postgres_url*, and drop it at the end."""
    name = f"comfyui_deploy_{uuid4().hex[:8]}"
    parts = urlsplit(postgres_url)
    url = urlunsplit(parts._replace(path=f"/{name}"))
    async with connect(postgres_url) as server:
        await server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            async with connect(url) as connection:
                await connection.execute(_TABLES.read_bytes())
                yield ComfyUIDeploy(url, connection)
        finally:
            await server.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
