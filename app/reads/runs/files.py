"""Outputs of runs as the public fetches them: found by their key in the state of their run.

So what is served is exactly what was announced: no input, no graph, nothing half-stored, and
nothing of a run that is erased, from the moment at which that is recorded.
"""

from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.rows import RunRows
from events.aggregates import RUN
from events.errors import NotFound
from events.run.state import Run
from infra.event_store import EventStore, load
from infra.s3 import probe
from infra.s3.keys import run_of


class OutputFile(Struct, frozen=True, kw_only=True):
    """A stored output."""

    key: str
    media_type: str
    bytes: int
    sha256: str


_PROBE = OutputFile(
    key=probe.KEY,
    media_type="text/plain",
    bytes=len(probe.CONTENT),
    sha256=sha256(probe.CONTENT).hexdigest(),
)
"""What the doctor writes, and reads where people fetch files."""


class OutputFiles:
    """The outputs of all runs, for everyone who knows a key."""

    def __init__(
        self, store: EventStore, rows: RunRows, recent: RecentWrites, *, served: bool
    ) -> None:
        """Find outputs; none where they are not *served* by us."""
        self._store = store
        self._rows = rows
        self._recent = recent
        self._served = served

    async def find(self, key: str) -> OutputFile:
        """Return what is known of the output *key*.

        Raises:
            NotFound: no output of a run has this key, or the run is erased.
            LogUnavailable: Postgres does not know the run well enough, nor does the log answer.

        """
        if self._served and key == _PROBE.key:
            return _PROBE
        run_id = run_of(key) if self._served else None
        run = await self._run(run_id) if run_id else None
        for upload in run.uploads.values() if run else ():
            if upload.key == key:
                return OutputFile(
                    key=key,
                    media_type=upload.media_type,
                    bytes=upload.bytes,
                    sha256=upload.sha256,
                )
        raise NotFound("there is no file with this address")

    async def _run(self, run_id: UUID) -> Run | None:
        found = await self._rows.get(run_id)
        if found and found.row.position >= self._recent.position(run_id):
            run: Run = found.row.state
            return run
        session = await load(self._store, RUN, run_id)
        self._recent.check(run_id, session.position)
        return session.state
