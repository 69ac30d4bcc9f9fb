"""Follows a prompt on its machine to the end, unless its run is cancelled or takes too long."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from consumers.run.commands import RunCommands, RunSession, timed
from consumers.run.outages import Outages
from consumers.run.outcome import OutcomeRecorder
from events import codec
from events.run.commands import (
    ConfirmCancel,
    NoteWaiting,
    ReportStatus,
    TimeOutRun,
)
from events.run.events import CancelRequested, RunError
from events.run.progress import Progress
from events.run.state import Run
from events.run.status import Status
from infra.event_store import LogUnavailable
from infra.jetstream.run_progress import ProgressSender
from infra.machine_driver import Graph, MachineDriver, MachineRefused, MachineUnreachable

T = TypeVar("T")

CANCEL_PATIENCE = 15.0
"""Seconds a machine has for stopping a prompt before the run ends all the same."""

LAST_LOOK = 5.0
"""Seconds a prompt has for showing that it is over, however late a worker looks."""

LOOK_AGAIN = 5.0
"""Seconds between looks into the log for a cancellation whose announcement was lost."""

CANCEL_REQUESTED = codec.type_name_of(CancelRequested)

Heard = Callable[[str, str], AbstractAsyncContextManager[asyncio.Event]]
"""Opens an event that is set when the aggregate gets a fact of that type; may be missed."""


class Follower(Struct, frozen=True, kw_only=True):
    """Follows prompts on their machines."""

    recorder: OutcomeRecorder
    outages: Outages
    runs: RunCommands
    cancellations: "Cancellations"
    progress_of: Callable[[UUID], ProgressSender]
    run_timeout: float
    """Seconds an attempt may take from the moment its machine has begun with it."""

    queue_timeout: float
    """Seconds it may wait in its machine's own queue."""

    async def follow(self, session: RunSession, machine: MachineDriver, graph: Graph) -> None:
        """Follow the prompt of a claimed run, and record how it ended.

        Raises:
            MachineUnreachable: the machine was silent for longer than its patience.
            Superseded: another worker has the run.
            LogUnavailable: the log does not answer.

        """
        run = session.existing
        assert run.prompt_id is not None  # it was claimed
        report = _Report(session, self.runs, self.outages, self.progress_of(run.id))
        with timed("run.render", session):
            async with (
                self.cancellations.watch(session) as cancellation,
                background(machine.watch(run.prompt_id, graph, report)) as watching,
                background(self._overdue(run, report)) as overdue,
            ):
                await report.started()
                await asyncio.wait(
                    {watching, cancellation, overdue}, return_when=asyncio.FIRST_COMPLETED
                )
                if watching.done():
                    await self.recorder.record(session, run.attempt, watching.result())
                else:
                    ending = self._ending(run, cancellation, overdue)
                    await _stop(machine, run.prompt_id)
                    await self.runs.send(session, ending)

    def _ending(
        self, run: Run, cancellation: asyncio.Task[None], overdue: asyncio.Task[RunError]
    ) -> ConfirmCancel | TimeOutRun:
        if cancellation.done():
            cancellation.result()
            return ConfirmCancel(now=self.runs.now())
        return TimeOutRun(attempt=run.attempt, error=overdue.result(), now=self.runs.now())

    async def _overdue(self, run: Run, report: "_Report") -> RunError:
        """Return when the attempt has taken too long, with the reason.

        The time behind other people's prompts in the machine's own queue has a limit of its own.
        """
        assert run.attempt_at is not None  # it was claimed
        try:
            async with asyncio.timeout(self._time_left(run.attempt_at, self.queue_timeout)):
                began_at = run.running_at or await report.began()
        except TimeoutError:
            message = (
                f"it never began: for {self.queue_timeout:g} s other prompts were before it "
                "in the machine's own queue"
            )
            return RunError(code="queue_timeout", message=message)
        await asyncio.sleep(self._time_left(began_at, self.run_timeout))
        message = f"it began, but was not finished within {self.run_timeout:g} s"
        return RunError(code="run_timeout", message=message)

    def _time_left(self, since: datetime, allowed: float) -> float:
        """Return the seconds that are left of *allowed*; a late look still has a moment."""
        used = (self.runs.now() - since).total_seconds()
        return max(allowed - used, min(allowed, LAST_LOOK))


async def _stop(machine: MachineDriver, prompt_id: UUID) -> None:
    """Stop a prompt on its machine; the run ends even if the machine does not answer."""
    with suppress(MachineUnreachable, MachineRefused, TimeoutError):
        async with asyncio.timeout(CANCEL_PATIENCE):
            await machine.cancel(prompt_id)


class _Report:
    """Passes on what the watcher of a machine sees."""

    def __init__(
        self, session: RunSession, runs: RunCommands, outages: Outages, progress: ProgressSender
    ) -> None:
        self._session = session
        self._fence = session.existing.fence
        self._runs = runs
        self._outages = outages
        self._progress = progress
        self._began: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()

    async def began(self) -> datetime:
        """Wait until the machine has begun with the attempt; return since when."""
        return await asyncio.shield(self._began)

    async def started(self) -> None:
        await self._status(Status.STARTED)

    async def running(self) -> None:
        await self._status(Status.RUNNING)
        if not self._began.done():
            self._began.set_result(self._session.existing.running_at or self._runs.now())

    async def progress(self, progress: Progress) -> None:
        await self._progress.send(progress)

    async def unreachable(self, error: str) -> None:
        with suppress(LogUnavailable):  # The note informs people; the watch matters more.
            away = MachineUnreachable(error)
            await self._outages.note(self._session, away, fence=self._fence)

    async def reachable(self) -> None:
        with suppress(LogUnavailable):
            over = NoteWaiting(reason="", now=self._runs.now(), fence=self._fence)
            await self._runs.send(self._session, over)

    async def _status(self, status: Status) -> None:
        report = ReportStatus(fence=self._fence, status=status, now=self._runs.now())
        await self._runs.send(self._session, report)


class Cancellations(Struct, frozen=True, kw_only=True):
    """Watches for the cancellation of runs that are being worked on."""

    heard: Heard

    @asynccontextmanager
    async def watch(self, session: RunSession) -> AsyncIterator[asyncio.Task[None]]:
        """Yield a task that is done once the run is to be cancelled, or has ended."""
        async with (
            self.heard(session.name, CANCEL_REQUESTED) as news,
            background(_stopped(session, news)) as stopped,
        ):
            yield stopped


async def _stopped(session: RunSession, news: asyncio.Event) -> None:
    while True:
        # Looked for first: it may have come before anyone listened.
        with suppress(LogUnavailable):  # An outage of the log is no reason to stop the work.
            await session.load()
        if session.existing.cancel_requested or session.existing.ended:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                await news.wait()
        news.clear()


@asynccontextmanager
async def background(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run *work* beside the block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        # What it raised was either looked at inside the block or no longer matters.
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
