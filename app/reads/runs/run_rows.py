"""Reads rows of runs from Postgres; all who ask in the same moment share one query.

Polls are by far the most frequent request, and each is one small read. Read one by one, most of
the time goes into checking out connections; read together, sixteen cost little more than one.
"""

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

from infra.postgres import ANSWER_WITHIN, Outage, Pool, PostgresUnavailable
from infra.wait_without_cancel import wait_without_cancel
from projections.queries import RunRow, find_runs

Answer = asyncio.Future[RunRow | None]


class RunRows:
    """The rows of runs, as Postgres has them now."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._outage = Outage()
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
                found = await self._found(asked)
            except Exception as error:  # noqa: BLE001 -- told to all who asked; others wait already
                _fail(asked, error)
                continue
            for run_id, answer in asked.items():
                answer.set_result(found.get(run_id))

    async def _found(self, ids: Collection[UUID]) -> Mapping[UUID, RunRow]:
        if self._outage.lasts:
            return {}
        try:
            return await wait_without_cancel(ANSWER_WITHIN, self._query(ids))
        except (PostgresUnavailable, TimeoutError):
            self._outage.begins()
            return {}

    async def _query(self, ids: Collection[UUID]) -> Mapping[UUID, RunRow]:
        async with self._pool.connection() as connection:
            return await find_runs(connection, ids)


def _fail(asked: Mapping[UUID, Answer], error: Exception) -> None:
    for answer in asked.values():
        answer.set_exception(error)
        answer.exception()  # Seen, even if nobody waits for it any more.
