"""Reading rows: who asks together shares a query, and nobody waits for another's trouble."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest

from app.reads.runs.rows import PromptReads, RunRows
from events.aggregates import RUN
from events.run.progress import Progress
from infra.postgres import Pool, PostgresError, PostgresUnavailable
from projections.queries import RunRow
from projections.tables import Row
from tests.builders.facts import RUN_ID, created

STATE = RUN.fold([created()])
PROGRESS = Progress(percent=5, message="m")


class FakePool:
    """A Postgres with a row for every run, which can be slow or broken."""

    def __init__(self) -> None:
        self.asked: list[set[UUID]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.errors: list[Exception] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["FakePool"]:
        """Yield the one connection."""
        yield self

    async def execute(self, _: str, params: dict[str, list[UUID]]) -> "FakePool":
        """Take a query."""
        self.asked.append(set(params["ids"]))
        await self.answers.wait()
        if self.errors:
            raise self.errors.pop(0)
        return self

    async def fetchall(self) -> list[tuple[Any, ...]]:
        """Answer the last query, as the table has its columns."""
        state, progress = msgspec.json.encode(STATE), msgspec.json.encode(PROGRESS)
        return [(run_id, "user:ada", 1, 2, 3, state, progress) for run_id in self.asked[-1]]


def rows_of(pool: FakePool) -> RunRows:
    return RunRows(PromptReads(cast("Pool", pool)))


def row(run_id: UUID) -> RunRow:
    found = Row(
        id=run_id, tenant="user:ada", created_position=1, position=2, version=3, state=STATE
    )
    return RunRow(row=found, progress=PROGRESS)


async def asking(rows: RunRows, run_id: UUID) -> asyncio.Task[RunRow | None]:
    task = asyncio.create_task(rows.get(run_id))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def answers_of(*tasks: asyncio.Task[RunRow | None]) -> list[Any]:
    async with asyncio.timeout(30):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_all_who_ask_at_once_share_one_query() -> None:
    pool = FakePool()
    rows, ids = rows_of(pool), [uuid4() for _ in range(20)]

    answers = await asyncio.gather(*(rows.get(run_id) for run_id in ids * 2))

    assert answers == [row(run_id) for run_id in ids] * 2
    assert pool.asked == [set(ids)]


async def test_who_asks_during_a_query_shares_the_next_and_sees_nothing_older() -> None:
    pool = FakePool()
    rows, other = rows_of(pool), uuid4()
    pool.answers.clear()
    early = await asking(rows, RUN_ID)
    late = [await asking(rows, run_id) for run_id in (RUN_ID, other, other)]
    pool.answers.set()

    assert await answers_of(early, *late) == [row(RUN_ID), row(RUN_ID), row(other), row(other)]
    assert pool.asked == [{RUN_ID}, {RUN_ID, other}]


async def test_a_run_without_a_row_has_none() -> None:
    pool = FakePool()
    pool.fetchall = lambda: asyncio.sleep(0, [])  # type: ignore[method-assign]  # the other table

    assert await rows_of(pool).get(RUN_ID) is None


async def test_while_postgres_is_away_nobody_waits_to_find_out_again() -> None:
    pool = FakePool()
    rows = rows_of(pool)
    pool.answers.clear()
    pool.errors = [PostgresUnavailable("away")]
    first = await asking(rows, RUN_ID)
    meanwhile = await asking(rows, uuid4())
    pool.answers.set()

    assert await answers_of(first, meanwhile) == [None, None]
    assert await rows.get(RUN_ID) is None
    assert len(pool.asked) == 1


async def test_nobody_waits_long_for_a_postgres_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.reads.runs.rows.ANSWER_WITHIN", 0.05)
    pool = FakePool()
    rows = rows_of(pool)
    pool.answers.clear()
    async with asyncio.timeout(30):
        assert [await rows.get(RUN_ID), await rows.get(RUN_ID)] == [None, None]
    assert len(pool.asked) == 1


async def test_postgres_is_asked_again_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.postgres.WAIT", 0.05)
    pool = FakePool()
    rows = rows_of(pool)
    pool.errors = [PostgresUnavailable("away")]
    assert await rows.get(RUN_ID) is None

    deadline = time.monotonic() + 5
    while (found := await rows.get(RUN_ID)) is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)

    assert found == row(RUN_ID)


async def test_a_client_that_goes_takes_nobody_elses_answer_with_it() -> None:
    pool = FakePool()
    rows = rows_of(pool)
    pool.answers.clear()
    gone, stays, waits = [await asking(rows, RUN_ID) for _ in range(3)]
    gone.cancel()
    waits.cancel()
    pool.answers.set()

    answers = await answers_of(gone, stays, waits)

    assert [type(answer) for answer in answers] == [
        asyncio.CancelledError,
        RunRow,
        asyncio.CancelledError,
    ]
    assert await rows.get(RUN_ID) == row(RUN_ID)


async def test_an_unexpected_error_reaches_all_who_asked_and_none_of_the_next() -> None:
    pool = FakePool()
    rows, other = rows_of(pool), uuid4()
    pool.answers.clear()
    pool.errors = [PostgresError("no such table")]
    together = [asyncio.create_task(rows.get(run_id)) for run_id in (RUN_ID, RUN_ID, uuid4())]
    await asyncio.sleep(0)
    next_one = await asking(rows, other)
    pool.answers.set()

    *errors, answer = await answers_of(*together, next_one)

    assert [type(error) for error in errors] == [PostgresError] * 3
    assert answer == row(other)
