"""Makes the thumbnails of a run that has ended, under names that follow from their content.

Every step may be done twice, and none is recorded: a thumbnail that was lost is made once more.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from uuid import UUID

from msgspec import Struct

from consumers.bulkhead import Bulkhead
from consumers.delivery import RetryLater, growing_delay
from consumers.run.commands import RunSession
from events.aggregates import RUN
from events.files import FileRef
from events.run.thumbnails import LONGEST_SIDE, THUMBNAIL_TYPE, thumbnailed
from infra.event_store import EventStore, load
from infra.images.thumbnails import NoThumbnail
from infra.s3.keys import thumbnail_folder, thumbnail_key
from infra.s3.port import ObjectMissing, ObjectStorage, StorageRefused, StorageUnavailable

log = logging.getLogger(__name__)


class ThumbnailMaker(Struct, frozen=True, kw_only=True):
    """Makes the thumbnails that a run should have and has not."""

    store: EventStore
    storage: ObjectStorage
    bulkhead: Bulkhead
    """Few, so that decoding leaves the computer to renders and uploads."""

    draw: Callable[[AsyncIterator[bytes]], Awaitable[bytes]]
    """Returns the thumbnail of an image; see infra/images/thumbnails.py."""

    async def make(self, run_id: UUID, delivery: int) -> None:
        """Make the thumbnails of a run that are missing.

        Raises:
            RetryLater: the storage does not answer, or others go first.
            LogUnavailable: the log does not answer.

        """
        session = await load(self.store, RUN, run_id)
        if session.state is None:
            return
        try:
            if files := thumbnailed(session.state):
                async with self.bulkhead.slot(session.state.machine_id, session.tenant, delivery):
                    await self._make_all(run_id, files)
                await session.load()
            await self._delete_late(session)
        except (StorageUnavailable, StorageRefused) as error:
            log.warning("thumbnails.postponed", extra={"run_id": str(run_id), "error": str(error)})
            raise RetryLater(growing_delay(delivery)) from error

    async def _make_all(self, run_id: UUID, files: Iterable[FileRef]) -> None:
        for file in files:
            key = thumbnail_key(run_id, file.sha256, side=LONGEST_SIDE)
            if await self.storage.size(key) is not None:
                continue
            try:
                async with self.storage.open(file.key) as stored:
                    thumbnail = await self.draw(stored.chunks())
            except (NoThumbnail, ObjectMissing) as error:
                # Without the key: names of files are private, and erased with the run.
                reason = str(error) if isinstance(error, NoThumbnail) else "the file is missing"
                log.info("thumbnail.none", extra={"run_id": str(run_id), "reason": reason})
                continue
            await self.storage.put_bytes(key, thumbnail, THUMBNAIL_TYPE)

    async def _delete_late(self, session: RunSession) -> None:
        """Delete what was stored too late: the run was erased meanwhile.

        A worker that died before it could see that left it to the next delivery.
        """
        if session.existing.erased_at is not None:
            await self.storage.delete_all(thumbnail_folder(session.existing.id))
