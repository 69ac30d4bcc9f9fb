"""Reading batches while Postgres is away: nobody waits for it, and it is found again."""

from contextlib import AbstractAsyncContextManager
from typing import cast
from uuid import uuid4

import psycopg

from app.batch_rows import BatchRows
from infra.postgres import Connection, Pool


class NoPool:
    """A pool whose server is away."""

    def __init__(self) -> None:
        self.asked = 0

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Fail."""
        self.asked += 1
        raise psycopg.OperationalError("away")


async def test_a_postgres_that_is_away_knows_no_batch_and_is_not_asked_again_at_once() -> None:
    pool = NoPool()
    rows = BatchRows(cast("Pool", pool))

    assert [await rows.get(uuid4()) for _ in range(3)] == [None, None, None]
    assert pool.asked == 1
