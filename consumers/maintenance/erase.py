"""Deletes the private data of erased runs, wherever it is kept but in the log.

Every step may be done twice. Input images are shared between runs of a tenant, so one is deleted
only when no run can use it any more: infra/jetstream/tombstones.py makes sure of that.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from consumers.delivery import RetryLater, growing_delay
from consumers.run.commands import RunCommands, RunSession
from events.aggregates import RUN
from events.run.commands import RecordDataDeleted, RecordInputsDeleted
from events.run.events import ImageUploaded
from events.run.redaction import inputs_are_due
from infra.event_store import EventStore, load
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import GRACE, Tombstones
from infra.postgres import Pool, PostgresUnavailable
from infra.s3.keys import output_folder
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable
from projections.erasing import forget_progress_of, used_keys
from projections.queries import position, promised_batches

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0
"""Seconds until the read models may have caught up with the log."""

LONGEST_WAIT = 300.0
"""Seconds that a piece of work is put off at once."""

LOOKS = 10
"""How often they are looked at for one place in the log."""


class Eraser(Struct, frozen=True, kw_only=True):
    """Deletes the private data of erased runs."""

    store: EventStore
    private: PrivateData
    given_up: Tombstones
    storage: ObjectStorage
    pool: Pool
    """The read models; while they are away, erasing waits."""

    log_end: Callable[[], Awaitable[int]]
    """Returns the position of the log's last event."""

    runs: RunCommands
    pause: Callable[[float], Awaitable[None]]
    """Waits so many seconds."""

    async def erase(self, run_id: UUID, delivery: int) -> None:
        """Delete what is private in an erased run, and record that it is done.

        Raises:
            RetryLater: something does not answer, or an image may still be wanted.
            LogUnavailable: the log does not answer.

        """
        session = await load(self.store, RUN, run_id)
        run = session.state
        if run is None:
            return
        try:
            if inputs_are_due(run):
                await self._erase_inputs(session)
            elif run.erased_at is not None and run.deleted_at is None:
                await self._erase_all(session, run.erased_at)
        except (StorageUnavailable, StorageRefused, PostgresUnavailable) as error:
            log.warning("erase.postponed", extra={"run_id": str(run_id), "error": str(error)})
            raise RetryLater(growing_delay(delivery)) from error

    async def _erase_all(self, session: RunSession, erased_at: datetime) -> None:
        run_id = session.existing.id
        await self.private.erase(run_id)
        await self.storage.delete_all(output_folder(run_id))
        async with self.pool.connection() as connection:
            await forget_progress_of(connection, run_id)
        await self._delete_images(session, erased_at)
        done = RecordDataDeleted(now=self.runs.now())
        await session.execute(done, self.runs.meta(session, "deleted"))

    async def _erase_inputs(self, session: RunSession) -> None:
        """Delete what went into a run, once it is due; what the run made stays."""
        run = session.existing
        assert run.inputs_due is not None  # the caller has seen that
        assert run.inputs_erased_at is not None
        wait = (run.inputs_due - self.runs.now()).total_seconds()
        if wait > 0:
            raise RetryLater(min(wait, LONGEST_WAIT))
        await self.private.erase_inputs(run.id)
        await self._delete_images(session, run.inputs_erased_at)
        done = RecordInputsDeleted(now=self.runs.now())
        await session.execute(done, self.runs.meta(session, "inputs deleted"))

    async def _delete_images(self, session: RunSession, erased_at: datetime) -> None:
        keys = await self._image_keys(session.name)
        if not keys:
            return
        given_up = [await self.given_up.give_up(key) for key in keys]
        wait = max(*given_up, erased_at) + GRACE - self.runs.now()
        if wait.total_seconds() > 0:
            raise RetryLater(wait.total_seconds())
        # A run that looked at the keys before they were given up is in the log by now.
        await self._follow_up(await self.log_end())
        async with self.pool.connection() as connection:
            # Runs that are promised will have images that are in no row of theirs yet.
            if await promised_batches(connection, session.tenant):
                raise RetryLater(LOOK_AGAIN)
            used = await used_keys(connection, keys)
        for key in keys - used:
            await self.storage.delete(key)

    async def _follow_up(self, end: int) -> None:
        """Wait until the tables hold the log up to *end*; on a busy day they never hold all."""
        for _ in range(LOOKS):
            async with self.pool.connection() as connection:
                if await position(connection) >= end:
                    return
            await self.pause(LOOK_AGAIN)
        raise RetryLater(LOOK_AGAIN)

    async def _image_keys(self, name: str) -> set[str]:
        """Read the keys from the log: the state of an erased run has none any more."""
        recorded = await self.store.read(name)
        events = (entry.event for entry in recorded)
        return {e.key for e in events if isinstance(e, ImageUploaded) and e.role == "input"}
