"""Connections to Postgres, whose errors are translated into ours."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresError(Exception):
    """Postgres refused a statement, or did not answer."""


class PostgresUnavailable(PostgresError):
    """Postgres does not answer; later might work."""


class PostgresUnreachable(PostgresUnavailable):
    """No connection could be opened."""


class PostgresSignInRefused(PostgresError):
    """Postgres refuses the user, the password or the database."""


REFUSALS = ("password authentication failed", "no password supplied", "does not exist")
"""What Postgres says to a wrong address of itself; before a connection stands it sends no code."""

WAIT = 1.0
"""Longest wait for a free connection, in seconds: a poll would rather hear 'later'."""

ANSWER_WITHIN = 2.0
"""Seconds for a small read, the wait for a connection included; a frozen server never answers."""


class Outage:
    """Remembers for a second that Postgres was away, so that not every reader waits to find out."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """Whether there is no point in asking yet."""
        return time.monotonic() < self._until

    def begins(self) -> None:
        """Note that Postgres did not answer."""
        self._until = time.monotonic() + WAIT


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:  # also when no connection of a pool is free
        raise PostgresUnavailable(_reason(error)) from error
    except psycopg.Error as error:
        raise PostgresError(_reason(error)) from error


def _reason(error: psycopg.Error) -> str:
    return str(error) or type(error).__name__


class Pool:
    """Pool of connections."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection.

        Raises:
            PostgresUnavailable: no connection within WAIT, or Postgres stopped answering.
            PostgresError: a statement of the block was refused.

        """
        with _translated():
            async with self._pool.connection() as connection:
                yield connection


@asynccontextmanager
async def open_pool(url: str, *, size: int) -> AsyncIterator[Pool]:
    """Open a pool that survives Postgres going away; it does not wait for the first connection."""
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=WAIT,
        reconnect_timeout=float("inf"),
        kwargs={"autocommit": True, "connect_timeout": 2},
        check=None,
        open=False,
    )
    await pool.open(wait=False)
    try:
        yield Pool(pool)
    finally:
        await pool.close()


@asynccontextmanager
async def connect(url: str, *, name: str = "comfyd") -> AsyncIterator[Connection]:
    """Open one connection, which Postgres shows under *name*.

    Raises:
        PostgresUnreachable: Postgres does not answer.
        PostgresSignInRefused: it refuses the user, the password or the database.
        PostgresUnavailable: it stopped answering.
        PostgresError: a statement of the block was refused.

    """
    with _translated():
        connection = await _open(url, name)
        try:
            yield connection
        finally:
            await connection.close()


async def _open(url: str, name: str) -> Connection:
    try:
        return await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=3, application_name=name
        )
    except psycopg.OperationalError as error:
        reason = _reason(error)
        if any(refusal in reason for refusal in REFUSALS):
            raise PostgresSignInRefused(reason) from error
        raise PostgresUnreachable(reason) from error
