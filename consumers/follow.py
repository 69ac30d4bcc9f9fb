"""Follows a prompt on its machine to the end, and passes on what is heard of it."""

import asyncio
from contextlib import suppress
from datetime import datetime

from consumers.background import CANCEL_REQUESTED, background, stopped
from consumers.outages import note_outage
from consumers.prepare import Prepared
from consumers.record import record
from consumers.tools import RunSession, Tools, meta, say, timed
from events.run.commands import (
    ConfirmCancel,
    NoteWaiting,
    ReportStatus,
    TimeOutRun,
)
from events.run.events import RunError
from events.run.progress import Progress
from events.run.state import Run
from events.run.status import Status
from infra.event_store import LogUnavailable
from infra.machine_driver import Machine, MachineRefused, MachineUnreachable

CANCEL_PATIENCE = 15.0
"""Seconds a machine has for stopping a prompt before the run ends without its word."""


LAST_LOOK = 5.0
"""Seconds a prompt has for showing that it is over, however late somebody looks."""


async def follow(
    session: RunSession, run: Run, machine: Machine, prepared: Prepared, tools: Tools
) -> None:
    """Follow the prompt of a claimed *run*, listening for a cancellation all the while.

    Raises:
        MachineUnreachable: the machine was silent for longer than its patience.
        Superseded: another worker has the run.
        LogUnavailable: the log does not answer.

    """
    report = _Report(session, run.fence, tools)
    with timed("run.render", session):
        await _follow(session, run, machine, prepared, report, tools)


async def _follow(
    session: RunSession,
    run: Run,
    machine: Machine,
    prepared: Prepared,
    report: "_Report",
    tools: Tools,
) -> None:
    assert run.prompt_id is not None  # it was claimed
    async with (
        tools.heard(session.name, CANCEL_REQUESTED) as cancel_heard,
        background(machine.watch(run.prompt_id, prepared.graph, report)) as watching,
        background(stopped(session, cancel_heard)) as cancellation,
        background(_overdue(run, report, tools)) as overdue,
    ):
        await report.started()
        if session.existing.cancel_requested:
            cancel_heard.set()
        await asyncio.wait({watching, cancellation, overdue}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            await record(session, run.attempt, watching.result(), tools)
            return
        ending = _ending(run, cancellation, overdue, tools)
        with suppress(MachineUnreachable, MachineRefused, TimeoutError):
            async with asyncio.timeout(CANCEL_PATIENCE):
                await machine.cancel(run.prompt_id)
        await say(session, ending, tools)


def _ending(
    run: Run, cancellation: asyncio.Task[None], overdue: asyncio.Task[RunError], tools: Tools
) -> ConfirmCancel | TimeOutRun:
    if cancellation.done():
        cancellation.result()
        return ConfirmCancel(now=tools.now())
    return TimeOutRun(attempt=run.attempt, error=overdue.result(), now=tools.now())


async def _overdue(run: Run, report: "_Report", tools: Tools) -> RunError:
    """Return when the attempt has taken too long, with the reason.

    The time behind other people's prompts in the machine's own queue has a limit of its own.
    """
    assert run.attempt_at is not None  # it was claimed
    settings = tools.settings
    try:
        async with asyncio.timeout(_time_left(run.attempt_at, settings.queue_timeout, tools)):
            began_at = run.running_at or await report.began()
    except TimeoutError:
        message = (
            f"it never began: for {settings.queue_timeout:g} s other prompts were before it "
            "in the machine's own queue"
        )
        return RunError(code="queue_timeout", message=message)
    await asyncio.sleep(_time_left(began_at, settings.run_timeout, tools))
    message = f"it began, but was not finished within {settings.run_timeout:g} s"
    return RunError(code="run_timeout", message=message)


def _time_left(since: datetime, allowed: float, tools: Tools) -> float:
    """Return the seconds that are left of *allowed*; whoever looks late looks once more."""
    used = (tools.now() - since).total_seconds()
    return max(allowed - used, min(allowed, LAST_LOOK))


class _Report:
    """Passes on what the watcher of a machine sees."""

    def __init__(self, session: RunSession, fence: int, tools: Tools) -> None:
        self._session = session
        self._fence = fence
        self._tools = tools
        self._progress = tools.progress_of(session.existing.id)
        self._began: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()

    async def began(self) -> datetime:
        """Wait until the machine has begun with the attempt; return since when."""
        return await asyncio.shield(self._began)

    async def started(self) -> None:
        await self._status(Status.STARTED)

    async def running(self) -> None:
        await self._status(Status.RUNNING)
        if not self._began.done():
            self._began.set_result(self._session.existing.running_at or self._tools.now())

    async def progress(self, progress: Progress) -> None:
        await self._progress.send(progress)

    async def unreachable(self, error: str) -> None:
        with suppress(LogUnavailable):  # It is a word for people; the watch is worth more.
            away = MachineUnreachable(error)
            await note_outage(self._session, away, self._tools, fence=self._fence)

    async def reachable(self) -> None:
        with suppress(LogUnavailable):
            over = NoteWaiting(reason="", now=self._tools.now(), fence=self._fence)
            await say(self._session, over, self._tools)

    async def _status(self, status: Status) -> None:
        report = ReportStatus(fence=self._fence, status=status, now=self._tools.now())
        await self._session.execute(report, meta(self._tools, self._session))
