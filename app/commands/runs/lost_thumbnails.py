"""Has thumbnails made that are missing: they were lost, or are of a time before there were any."""

from uuid import UUID

from app.auth.caller import Caller
from app.reads.runs.runs import FoundRun, RunReads
from events.run.state import Run
from events.run.thumbnails import thumbnailed
from events.work import thumbnail_piece
from infra.jetstream.work.queue import WorkQueue


class LostThumbnails:
    """Requests for thumbnails."""

    def __init__(self, runs: RunReads, queue: WorkQueue) -> None:
        self._runs = runs
        self._queue = queue

    async def request(self, caller: Caller, run_id: UUID) -> FoundRun:
        """Have the thumbnails of a run of the caller's made that are missing.

        Raises:
            NotFound: there is no such run that the caller may know of.
            LogUnavailable: it is not queued.

        """
        found = await self._runs.find(caller, run_id)
        await self.queue(found.run)
        return found

    async def queue(self, run: Run) -> None:
        """Queue the work, at most once in ten minutes: what is broken is not drawn for each read.

        Raises:
            LogUnavailable: it is not queued.

        """
        if thumbnailed(run):
            await self._queue.put_piece(thumbnail_piece(run.id), message_id=f"lost:{run.id}")
