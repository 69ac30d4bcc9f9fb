"""Reads the database of a comfyui-deploy, in one transaction that cannot write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from msgspec import Struct

from infra.postgres import Connection, PostgresError, connect


class SourceMachine(Struct, frozen=True):
    """A machine, as its table has it."""

    id: str
    user_id: str
    org_id: str | None
    name: str
    endpoint: str
    type: str
    disabled: bool
    token: str
    """What it wants to be shown, in clear; empty: nothing."""


class SourceWorkflow(Struct, frozen=True):
    """A workflow, as its table has it."""

    id: str
    user_id: str
    org_id: str | None
    name: str


class SourceVersion(Struct, frozen=True):
    """A version of a workflow, without its graphs."""

    id: str
    workflow_id: str
    number: int


class SourceDeployment(Struct, frozen=True):
    """A deployment, as its table has it."""

    id: str
    workflow_id: str
    version_id: str
    machine_id: str
    environment: str
    share_slug: str
    """The last part of the address of its page; empty: it has none."""


class SourceKey(Struct, frozen=True):
    """An API key, which is a token in clear."""

    id: str
    name: str
    key: str
    revoked: bool


class SourceGraphs(Struct, frozen=True):
    """The graphs of a version, and what it was made with."""

    api: Any
    editors: Any
    snapshot: Any


class LeftBehind(Struct, frozen=True):
    """How much there is of what does not move over."""

    runs: int = 0
    outputs: int = 0


class SourceRows(Struct, frozen=True, kw_only=True):
    """All that moves over, without the graphs: workflows and machines from the oldest on."""

    machines: tuple[SourceMachine, ...] = ()
    workflows: tuple[SourceWorkflow, ...] = ()
    versions: tuple[SourceVersion, ...] = ()
    """By workflow, in the order of their numbers."""

    deployments: tuple[SourceDeployment, ...] = ()
    """The one that changed last comes first."""

    keys: tuple[SourceKey, ...] = ()
    left_behind: LeftBehind = LeftBehind()


_MISSING = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
)


class NotThatDatabase(Exception):
    """The database has not the tables of a comfyui-deploy."""


class Source:
    """Reads one database, all of it at one moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def rows(self) -> SourceRows:
        """Return all rows, without graphs.

        Raises:
            NotThatDatabase: a table or a column is not there.
            PostgresError: it refuses, or does not answer.

        """
        return SourceRows(
            machines=tuple([SourceMachine(*row) for row in await self._read("machines")]),
            workflows=tuple([SourceWorkflow(*row) for row in await self._read("workflows")]),
            versions=tuple([SourceVersion(*row) for row in await self._read("versions")]),
            deployments=tuple([SourceDeployment(*row) for row in await self._read("deployments")]),
            keys=tuple([SourceKey(*row) for row in await self._read("keys")]),
            left_behind=LeftBehind(*(await self._read("left_behind"))[0]),
        )

    async def graphs(self, version_id: str) -> SourceGraphs:
        """Return the graphs of a version; raises as `rows`."""
        [row] = await self._read("graphs", id=version_id)
        return SourceGraphs(*row)

    async def _read(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        try:
            cursor = await self._connection.execute(_statements()[statement], values)
            return await cursor.fetchall()
        except _MISSING as error:
            raise NotThatDatabase(str(error).partition("\n")[0]) from error
        except psycopg.Error as error:
            raise PostgresError(str(error) or type(error).__name__) from error


@asynccontextmanager
async def open_source(url: str) -> AsyncIterator[Source]:
    """Open the database at *url* for reading alone.

    Raises:
        PostgresUnreachable, PostgresSignInRefused: it cannot be opened.

    """
    async with connect(url, name="comfyd import") as connection:
        await connection.execute(_statements()["begin"])
        yield Source(connection)


@cache
def _statements() -> dict[str, bytes]:
    text = files("infra.comfyui_deploy").joinpath("source.sql").read_text("utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): body.encode() for name, _, body in parts}
