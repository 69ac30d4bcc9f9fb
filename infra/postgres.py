"""Connections to Postgres."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

POSTGRES_AWAY = (psycopg.OperationalError, PoolTimeout)
"""What it looks like when Postgres does not answer."""

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


@asynccontextmanager
async def open_pool(url: str, *, size: int) -> AsyncIterator[Pool]:
    """Open a pool that survives Postgres going away; it does not wait for the first connection."""
    pool: Pool = AsyncConnectionPool(
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
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def connect(url: str, *, name: str = "comfyd") -> AsyncIterator[Connection]:
    """Open one connection, which Postgres shows under *name*.

    Raises:
        psycopg.OperationalError: Postgres does not answer.

    """
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, connect_timeout=3, application_name=name
    )
    try:
        yield connection
    finally:
        await connection.close()
