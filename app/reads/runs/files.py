"""Outputs of runs, and their thumbnails, as the public fetches them: found in the state of the run.

So what is served is exactly what was announced: no input, no graph, nothing half-stored, and
nothing of a run that is erased, from the moment at which that is recorded.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.rows import RunRows
from app.reads.runs.thumbnails import thumbnail_of
from events.aggregates import RUN
from events.errors import NotFound
from events.run.state import Run
from events.run.thumbnails import LONGEST_SIDE, THUMBNAIL_TYPE, thumbnailed
from infra.event_store import EventStore, load
from infra.s3 import probe
from infra.s3.keys import run_of
from infra.s3.port import ObjectStorage
from infra.s3.urls import key_at
from infra.settings.settings import Spaces


class OutputFile(Struct, frozen=True, kw_only=True):
    """A stored output, or its thumbnail."""

    key: str
    media_type: str
    bytes: int
    sha256: str
    """Of the output; of a thumbnail, which is made of it again when it is lost, with its size."""


_PROBE = OutputFile(
    key=probe.KEY,
    media_type="text/plain",
    bytes=len(probe.CONTENT),
    sha256=sha256(probe.CONTENT).hexdigest(),
)
"""What the doctor writes, and reads where people fetch files."""


class OutputFiles:
    """The outputs of all runs, for everyone who was given an address."""

    def __init__(
        self,
        store: EventStore,
        rows: RunRows,
        recent: RecentWrites,
        storage: ObjectStorage,
        *,
        request_thumbnails: Callable[[Run], Awaitable[None]],
        spaces: Spaces,
    ) -> None:
        """Find outputs; none where *spaces* says that people fetch them elsewhere."""
        self._store = store
        self._rows = rows
        self._recent = recent
        self._storage = storage
        self._request_thumbnails = request_thumbnails
        self._spaces = spaces

    async def find(self, address: str) -> OutputFile:
        """Return what is known of an output, or of a thumbnail; a lost one is made again.

        Raises:
            NotFound: no output of a run has this address, or the run is erased.
            LogUnavailable: Postgres does not know the run well enough, nor does the log answer.
            StorageUnavailable, StorageRefused: it is not known whether the thumbnail is there.

        """
        key = key_at(self._spaces, address) if self._spaces.files_url else None
        if key is None:
            raise _not_found()
        if key == _PROBE.key:
            return _PROBE
        run_id = run_of(key)
        run = await self._run(run_id) if run_id else None
        if run is None:
            raise _not_found()
        for upload in run.uploads.values():
            if upload.key == key:
                return OutputFile(
                    key=key,
                    media_type=upload.media_type,
                    bytes=upload.bytes,
                    sha256=upload.sha256,
                )
        return await self._thumbnail(run, key)

    async def _thumbnail(self, run: Run, key: str) -> OutputFile:
        hashes = {thumbnail_of(run, file): file.sha256 for file in thumbnailed(run)}
        if key not in hashes:
            raise _not_found()
        size = await self._storage.size(key)
        if size is None:
            await self._request_thumbnails(run)
            raise _not_found()
        return OutputFile(
            key=key,
            media_type=THUMBNAIL_TYPE,
            bytes=size,
            sha256=f"{hashes[key]}-{LONGEST_SIDE}",
        )

    async def _run(self, run_id: UUID) -> Run | None:
        found = await self._rows.get(run_id)
        if found and found.row.position >= self._recent.position(run_id):
            run: Run = found.row.state
            return run
        check = self._recent.promise(run_id)
        session = await load(self._store, RUN, run_id)
        check(session.position)
        return session.state


def _not_found() -> NotFound:
    return NotFound("there is no file with this address")
