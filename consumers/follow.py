"""Follows a prompt on its machine to the end, and passes on what is heard of it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from consumers.outages import note_outage
from consumers.prepare import Prepared
from consumers.record import record
from consumers.tools import RunSession, Tools, meta, say
from events import codec
from events.progress import Progress
from events.run import Run
from events.run_commands import (
    ConfirmCancel,
    NoteWaiting,
    ReportStatus,
    TimeOutRun,
)
from events.run_events import CancelRequested, RunError
from events.status import Status
from infra.event_store import LogUnavailable
from infra.machine import Machine, MachineUnreachable

T = TypeVar("T")

CANCEL_REQUESTED = codec.type_name_of(CancelRequested)

LOOK_AGAIN = 5.0
"""Seconds between looks into the log for a cancellation whose announcement was lost."""

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
    assert run.prompt_id is not None  # it was claimed
    report = _Report(session, run.fence, tools)
    async with (
        tools.heard(session.name, CANCEL_REQUESTED) as cancel_heard,
        _task(machine.watch(run.prompt_id, prepared.graph, report)) as watching,
        _task(_cancellation(session, cancel_heard)) as cancellation,
    ):
        await report.started()
        if session.existing.cancel_requested:
            cancel_heard.set()
        await asyncio.wait(
            {watching, cancellation},
            timeout=_time_left(run, tools),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if watching.done():
            await record(session, run.attempt, watching.result(), tools)
            return
        stopped = cancellation.done() and cancellation.exception() is None
        with suppress(MachineUnreachable, TimeoutError):
            async with asyncio.timeout(CANCEL_PATIENCE):
                await machine.cancel(run.prompt_id)
        ending = ConfirmCancel(now=tools.now()) if stopped else _timed_out(run, tools)
        await say(session, ending, tools)


async def _cancellation(session: RunSession, heard: asyncio.Event) -> None:
    """Return when someone asks to stop the run."""
    while not (session.existing.cancel_requested or session.existing.ended):
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                await heard.wait()
        heard.clear()
        with suppress(LogUnavailable):  # An outage of the log is no reason to stop the machine.
            await session.load()


def _time_left(run: Run, tools: Tools) -> float:
    """Give the seconds the attempt still has, counted from its first claim by whomever."""
    assert run.attempt_at is not None  # it was claimed
    used = (tools.now() - run.attempt_at).total_seconds()
    return max(tools.settings.run_timeout - used, LAST_LOOK)


def _timed_out(run: Run, tools: Tools) -> TimeOutRun:
    message = f"not finished within {tools.settings.run_timeout:g} s"
    error = RunError(code="run_timeout", message=message)
    return TimeOutRun(attempt=run.attempt, error=error, now=tools.now())


class _Report:
    """Passes on what the watcher of a machine sees."""

    def __init__(self, session: RunSession, fence: int, tools: Tools) -> None:
        self._session = session
        self._fence = fence
        self._tools = tools
        self._progress = tools.progress_of(session.existing.id)

    async def started(self) -> None:
        await self._status(Status.STARTED)

    async def running(self) -> None:
        await self._status(Status.RUNNING)

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


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
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
