"""Reads of runs, never older than what this process answered before.

Postgres answers; where its row is missing, too old or out of reach, the log does. Every route finds
runs here.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from app.auth.caller import Caller
from app.reads.owned import is_visible, load_owned, not_found
from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.rows import RunRows
from app.reads.runs.texts import Texts
from events.aggregates import RUN
from events.batch import RunFilter
from events.envelope import AnyRecorded
from events.run.commands import RunCommand
from events.run.events import RunEvent
from events.run.progress import Progress
from events.run.state import Run
from events.run.status import Status
from infra.event_store import EventStore, Session
from infra.postgres import Pool
from infra.settings.settings import Spaces
from projections.queries import Page, list_runs

RunSession = Session[Run, RunCommand, RunEvent]


class FoundRun(Struct, frozen=True, kw_only=True):
    """A run and how new it is."""

    run: Run
    position: int
    progress: Progress | None = None


class RunReads:
    """Queries for runs."""

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        rows: RunRows,
        texts: Texts,
        recent: RecentWrites,
        spaces: Spaces,
    ) -> None:
        self._store = store
        self._pool = pool
        self._rows = rows
        self._texts = texts
        self.recent = recent
        """What this process has answered with; note there what is answered without these reads."""

        self.spaces = spaces
        """Where the files of runs are fetched from."""

    async def find(self, caller: Caller, run_id: UUID, *, at_least: int = 0) -> FoundRun:
        """Return a run of the caller's with its texts, at position *at_least* or newer.

        Raises:
            NotFound: there is no such run that the caller may know of.
            LogUnavailable: Postgres does not know it well enough, and the log does not answer.

        """
        wanted = max(at_least, self.recent.position(run_id))
        found = await self._from_postgres(caller, run_id)
        if found is None or found.position < wanted:
            session = await self.session(caller, run_id)
            found = FoundRun(run=session.existing, position=session.position)
        self.recent.note(run_id, found.position)
        return replace(found, run=await self._texts.put_into(found.run))

    async def progress(self, run: Run) -> Progress | None:
        """Return the last progress of a run, if a worker noted it and Postgres answers."""
        row = await self._rows.get(run.id) if run.status is Status.RUNNING else None
        return row.progress if row else None

    async def with_texts(self, run: Run) -> Run:
        """Return a run with the texts that it produced.

        Raises:
            LogUnavailable: they cannot be read.

        """
        return await self._texts.put_into(run)

    async def session(self, caller: Caller, run_id: UUID) -> RunSession:
        """Load a run of the caller's from the log, for a command to it; its state is there.

        Raises:
            NotFound: there is no such run that the caller may know of.
            LogUnavailable: the log does not answer.

        """
        return await load_owned(
            self._store,
            caller,
            RUN,
            run_id,
            deployments_of=lambda run: (run.deployment_id,),
            check=self.recent.promise(run_id),
        )

    async def events(self, caller: Caller, run_id: UUID) -> Sequence[AnyRecorded]:
        """Return all events of a run of the caller's, at least one; raises as `session`."""
        check = self.recent.promise(run_id)
        past = await self._store.read(RUN.name(run_id))
        check(past[-1].position if past else 0)
        if not past or not is_visible(caller, past[0].meta.tenant, (past[0].event.deployment_id,)):
            raise not_found(RUN.kind)
        return past

    async def page(
        self, caller: Caller, fits: RunFilter, *, limit: int, before: int | None
    ) -> Page:
        """Return a part of the caller's runs that fit a filter, newest first, without texts."""
        async with self._pool.connection() as connection:
            return await list_runs(
                connection,
                tenant=caller.tenant,
                limit=limit,
                before=before,
                fits=fits,
                only=caller.deployments,
            )

    async def page_with_texts(
        self, caller: Caller, fits: RunFilter, *, limit: int, before: int | None
    ) -> Page:
        """Return a part of the caller's runs that fit a filter, newest first, with their texts.

        A run for which this process has given a newer answer is as it was then, or newer: what was
        erased is not in a list again.

        Raises:
            LogUnavailable: the log does not answer for such a run, or for a text.

        """
        page = await self.page(caller, fits, limit=limit, before=before)
        for row in page.rows:
            if row.position < self.recent.position(row.id):
                row.state = (await self.session(caller, row.id)).existing
            row.state = await self._texts.put_into(row.state)
        return page

    async def _from_postgres(self, caller: Caller, run_id: UUID) -> FoundRun | None:
        found = await self._rows.get(run_id)
        if found is None:
            return None
        run: Run = found.row.state
        if not is_visible(caller, found.row.tenant, (run.deployment_id,)):
            return None
        return FoundRun(run=run, position=found.row.position, progress=found.progress)
