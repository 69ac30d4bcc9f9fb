"""Reads batches from Postgres: the row, and the counts of its runs."""

from uuid import UUID

from msgspec import Struct

from infra.postgres import ANSWER_WITHIN, Outage, Pool, PostgresUnavailable
from infra.wait_without_cancel import wait_without_cancel
from projections.queries import BatchCount, count_batches, find_batch, position
from projections.tables import Row


class BatchRow(Struct, frozen=True, kw_only=True):
    """A batch as Postgres has it now."""

    row: Row
    counts: list[BatchCount]
    position: int
    """How far the read models had followed the log, at least."""


class BatchRows:
    """The batches, as Postgres has them now."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._outage = Outage()

    async def get(self, batch_id: UUID) -> BatchRow | None:
        """Return a batch, of whatever tenant; None when there is none, or when Postgres is away."""
        if self._outage.lasts:
            return None
        try:
            return await wait_without_cancel(ANSWER_WITHIN, self._read(batch_id))
        except (PostgresUnavailable, TimeoutError):
            self._outage.begins()
            return None

    async def _read(self, batch_id: UUID) -> BatchRow | None:
        async with self._pool.connection() as connection:
            # First: what is read after it is not older.
            read_at = await position(connection)
            row = await find_batch(connection, batch_id)
            if row is None:
                return None
            counts = await count_batches(connection, [batch_id])
        return BatchRow(row=row, counts=counts[batch_id], position=read_at)
