"""The count of requests on a real Postgres: one for all, minute by minute."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.limits.rate_counter import PostgresCounter
from app.limits.rate_limit import RateLimit
from infra.postgres import Pool, open_pool
from projections.schema import create_tables


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url, size=4) as opened:
        async with opened.connection() as connection:
            await create_tables(connection)
        yield opened


async def stored(pool: Pool) -> dict[str, tuple[int, int]]:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT subject, minute, taken FROM hints.request_count")
        return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}


async def set_minute(pool: Pool, minutes: int) -> None:
    """Pretend that all counts are that many minutes away."""
    async with pool.connection() as connection:
        await connection.execute("UPDATE hints.request_count SET minute = minute + %s", (minutes,))


async def test_nobodys_request_is_counted_twice_or_forgotten(pool: Pool) -> None:
    counters = [PostgresCounter(pool) for _ in range(3)]
    counts = await asyncio.gather(*(c.take("ada", 2) for c in counters for _ in range(20)))
    minutes = {count.minute for count in counts}
    for minute in minutes:  # two, if one ended in between
        taken = sorted(count.taken for count in counts if count.minute == minute)
        assert taken == list(range(2, 2 * len(taken) + 1, 2))
    assert all(0 < count.seconds_left <= 60 for count in counts)


async def test_another_minute_begins_at_nothing_and_old_counts_are_swept(pool: Pool) -> None:
    await PostgresCounter(pool).take("ada", 7)
    await PostgresCounter(pool).take("bob", 7)
    await set_minute(pool, -1)
    count = await PostgresCounter(pool).take("ada", 1)
    assert count.taken == 1
    assert await stored(pool) == {"ada": (count.minute, 1)}


async def test_who_read_the_clock_before_the_minute_ended_does_not_turn_it_back(pool: Pool) -> None:
    counter = PostgresCounter(pool)
    first = await counter.take("ada", 5)
    await set_minute(pool, 1)
    late = await counter.take("ada", 5)
    assert (late.taken, late.minute) == (10, first.minute + 1)
    assert late.seconds_left > 60


async def test_processes_admit_the_limit_together(pool: Pool) -> None:
    limits = [RateLimit("default", 40, PostgresCounter(pool)) for _ in range(3)]
    if (await PostgresCounter(pool).take("clock", 1)).seconds_left < 5:
        await asyncio.sleep(5)  # so that the minute does not end in between
    answers = await asyncio.gather(*(one.count("ada") for one in limits for _ in range(30)))
    assert sum(admitted for admitted, _ in answers) == 40
