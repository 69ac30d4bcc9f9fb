"""Rows of runs and batches, as Postgres has them now; None while it is away.

Polls are by far the most frequent request, and each is one small read. Read one by one, most of
the time goes into checking out connections; read together, sixteen cost little more than one. So
all who ask for a run in the same moment share one query.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from infra.postgres import ANSWER_WITHIN, Connection, Outage, Pool, PostgresUnavailable
from infra.wait_without_cancel import wait_without_cancel
from projections.queries import (
    BatchCount,
    RunRow,
    count_batches,
    find_batch,
    find_runs,
    position,
)
from projections.tables import Row

T = TypeVar("T")
Answer = asyncio.Future[RunRow | None]


class PromptReads:
    """Small reads that would rather have no answer than a late one: the log has it as well."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._outage = Outage()

    async def ask(self, query: Callable[[Connection], Awaitable[T]]) -> T | None:
        """Return the answer to a query; None while Postgres is away, or if it is silent."""
        if self._outage.lasts:
            return None
        try:
            return await wait_without_cancel(ANSWER_WITHIN, self._answer(query))
        except (PostgresUnavailable, TimeoutError):
            self._outage.begins()
            return None

    async def _answer(self, query: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection:
            return await query(connection)


class RunRows:
    """The rows of runs, as Postgres has them now."""

    def __init__(self, reads: PromptReads) -> None:
        self._reads = reads
        self._asked: dict[UUID, Answer] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, run_id: UUID) -> RunRow | None:
        """Return a run's row; None when there is none, or when Postgres is away."""
        answer = self._asked.get(run_id)
        if answer is None:
            answer = self._asked[run_id] = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        # Others may wait for the same answer when this client goes.
        return await asyncio.shield(answer)

    async def _read(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                found = await self._reads.ask(partial(find_runs, ids=asked)) or {}
            except Exception as error:  # noqa: BLE001 -- told to all who asked; others wait already
                _fail(asked, error)
                continue
            for run_id, answer in asked.items():
                answer.set_result(found.get(run_id))


def _fail(asked: Mapping[UUID, Answer], error: Exception) -> None:
    for answer in asked.values():
        answer.set_exception(error)
        answer.exception()  # Seen, even if nobody waits for it any more.


class BatchRow(Struct, frozen=True, kw_only=True):
    """A batch as Postgres has it now."""

    row: Row
    counts: list[BatchCount]
    position: int
    """How far the read models had followed the log, at least."""


class BatchRows:
    """The batches, as Postgres has them now."""

    def __init__(self, reads: PromptReads) -> None:
        self._reads = reads

    async def get(self, batch_id: UUID) -> BatchRow | None:
        """Return a batch, of whatever tenant; None when there is none, or when Postgres is away."""
        return await self._reads.ask(partial(_batch_row, batch_id=batch_id))


async def _batch_row(connection: Connection, batch_id: UUID) -> BatchRow | None:
    # First: what is read after it is not older.
    read_at = await position(connection)
    row = await find_batch(connection, batch_id)
    if row is None:
        return None
    counts = await count_batches(connection, [batch_id])
    return BatchRow(row=row, counts=counts[batch_id], position=read_at)
