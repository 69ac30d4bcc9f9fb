"""Reading batches while Postgres is away: nobody waits for it, and it is found again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast
from uuid import uuid4

import pytest

from app.reads.runs.rows import BatchRows, PromptReads, RunRows
from infra.postgres import Connection, Pool, PostgresUnavailable


class NoPool:
    """A pool whose server is away."""

    def __init__(self) -> None:
        self.asked = 0

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Fail."""
        self.asked += 1
        raise PostgresUnavailable("away")


async def test_a_postgres_that_is_away_knows_no_batch_and_is_not_asked_again_at_once() -> None:
    pool = NoPool()
    rows = BatchRows(PromptReads(cast("Pool", pool)))

    assert [await rows.get(uuid4()) for _ in range(3)] == [None, None, None]
    assert pool.asked == 1


async def test_what_runs_have_found_out_batches_need_not_find_out_again() -> None:
    pool = NoPool()
    reads = PromptReads(cast("Pool", pool))

    assert await RunRows(reads).get(uuid4()) is None
    assert await BatchRows(reads).get(uuid4()) is None
    assert pool.asked == 1


class HangingPool:
    """A pool whose server does not answer until it is gone."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Wait, for nothing."""
        await self.gone.wait()
        if self.gone.is_set():
            raise PostgresUnavailable("gone")
        yield cast("Connection", None)


async def test_nobody_waits_long_for_a_postgres_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.reads.runs.rows.ANSWER_WITHIN", 0.05)
    pool = HangingPool()
    rows = BatchRows(PromptReads(cast("Pool", pool)))
    async with asyncio.timeout(30):
        assert await rows.get(uuid4()) is None
    # What still asks shall not outlive the test.
    pool.gone.set()
    await asyncio.sleep(0.01)
