"""Reads of batches, never older than what this process answered before.

As with runs, Postgres answers where it knows enough, and the log where it does not.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from app.reads.owned import is_visible, load_owned, not_found
from app.reads.runs.batch_status import BatchStatus, status_of, tally_at
from app.reads.runs.recent_writes import Check, RecentWrites
from app.reads.runs.rows import BatchRows
from events.aggregates import BATCH
from events.batch import Batch
from infra.batch_runs import BatchSession
from infra.event_store import EventStore
from infra.jetstream.log.aggregates import LogReader
from infra.postgres import Pool
from projections.queries import BatchCount, Page, count_batches, list_batches, position


class BatchPage(Struct, frozen=True, kw_only=True):
    """A part of a list of batches, with the counts of their runs."""

    page: Page
    counts: Mapping[UUID, Sequence[BatchCount]]
    position: int
    """How far the read models had followed the log, at least."""


class BatchReads:
    """Queries for batches."""

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        rows: BatchRows,
        log_reader: LogReader,
        recent: RecentWrites,
    ) -> None:
        self._store = store
        self._pool = pool
        self._rows = rows
        self._log_reader = log_reader
        self._recent = recent

    async def find(self, caller: Caller, batch_id: UUID, *, at_least: int = 0) -> BatchStatus:
        """Return the status of a batch of the caller's, at position *at_least* or newer.

        Raises:
            NotFound: there is no such batch that the caller may know of.
            LogUnavailable: Postgres does not know it well enough, and the log does not answer.

        """
        wanted = max(at_least, self._recent.position(batch_id))
        found = await self._rows.get(batch_id)
        if found is None or found.position < wanted:
            return await self.find_in_log(caller, batch_id)
        batch: Batch = found.row.state
        if not is_visible(caller, found.row.tenant, batch.deployments):
            raise not_found(BATCH.kind)
        self._recent.note(batch_id, found.position)
        return status_of(batch, found.counts, found.position)

    async def find_in_log(self, caller: Caller, batch_id: UUID) -> BatchStatus:
        """Return the status of a batch of the caller's now, by the log alone; raises as `find`."""
        session = await self.session(caller, batch_id)
        check = self._recent.promise(batch_id)
        position = await self._log_reader.head()
        check(position)
        tally = await tally_at(self._log_reader, self._store, session.existing, position)
        self._recent.note(batch_id, position)
        return tally.status(position)

    async def session(self, caller: Caller, batch_id: UUID) -> BatchSession:
        """Load a batch of the caller's from the log, for a command to it; its state is there.

        Raises:
            NotFound: there is no such batch that the caller may know of.
            LogUnavailable: the log does not answer.

        """
        return await load_owned(
            self._store,
            caller,
            BATCH,
            batch_id,
            deployments_of=lambda batch: batch.deployments,
            check=self._existence(batch_id),
        )

    async def page(self, caller: Caller, *, limit: int, before: int | None) -> BatchPage:
        """Return a part of the caller's batches, newest first."""
        async with self._pool.connection() as connection:
            # First: what is read after it is not older.
            read_at = await position(connection)
            page = await list_batches(
                connection,
                tenant=caller.tenant,
                limit=limit,
                before=before,
                only=caller.deployments,
            )
            counts = await count_batches(connection, [row.id for row in page.rows])
        return BatchPage(page=page, counts=counts, position=read_at)

    def _existence(self, batch_id: UUID) -> Check:
        check = self._recent.promise(batch_id)

        def exists(position: int) -> None:
            # Promises are positions of the runs, too: those of the batch's own events are lower.
            if position == 0:
                check(0)

        return exists
