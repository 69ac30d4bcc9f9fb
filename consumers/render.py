"""Brings a run to its machine, follows it to the end, and records what came of it.

Every step may be the last before the process dies. So a claim is in the log before the machine is
called, and whoever takes over first asks the machine what it knows of the prompt.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

from consumers.delivery import Later
from consumers.machines import MachineMissing
from consumers.prepare import Prepared, RunCannotStart, prepare
from consumers.tools import RunSession, Tools, meta
from events import codec
from events.decider import RUN
from events.progress import Progress
from events.run import CancelRequested, Run, RunError
from events.run_decider import (
    ClaimRun,
    ConfirmCancel,
    FailRun,
    LoseAttempt,
    RecordOutputs,
    ReportStatus,
    RunCommand,
    SettleRun,
    TimeOutRun,
)
from events.status import Status
from infra.event_store import LogUnavailable, load
from infra.machine import (
    Failed,
    Finished,
    Interrupted,
    Lost,
    Machine,
    MachineUnreachable,
    Outcome,
    OutcomeUnknown,
    PromptState,
    WorkflowRejected,
)
from infra.object_storage import StorageRefused, StorageUnavailable

T = TypeVar("T")

CANCEL_REQUESTED = codec.type_name_of(CancelRequested)

log = logging.getLogger(__name__)

SUBMISSIONS = 3
"""How often a prompt is offered to a machine within one attempt."""

LOOK_AGAIN = 5.0
"""Seconds between looks into the log for a cancellation whose announcement was lost."""

LONGEST_PAUSE = 5.0
"""Seconds between two tries to reach a machine or a storage that does not answer."""

CANCEL_PATIENCE = 15.0
"""Seconds a machine has for stopping a prompt before the run ends without its word."""


async def render(run_id: UUID, delivery: int, tools: Tools) -> None:
    """Do all that a run needs of a machine.

    Raises:
        Later: the machine or the storage does not answer, or the retry is not due.
        Superseded: another worker has the run.
        LogUnavailable: the log does not answer.

    """
    session = await load(tools.store, RUN, run_id)
    run = session.state
    if run is None or run.ended or run.produced:
        return
    if run.retry_due and run.retry_due > tools.now():
        raise Later((run.retry_due - tools.now()).total_seconds())
    try:
        machine = await tools.machines.get(run.machine_id)
        prepared = await prepare(session, machine, tools)
        await _attempt(session, machine, prepared, tools)
    except (MachineUnreachable, StorageUnavailable, StorageRefused) as error:
        await _wait_or_fail(session, delivery, error, tools)
    except (WorkflowRejected, RunCannotStart, MachineMissing) as error:
        await _say(session, FailRun(error=_refusal(error), now=tools.now()), tools)


async def _attempt(session: RunSession, machine: Machine, prepared: Prepared, tools: Tools) -> None:
    taken_over = _state(session).claimed
    claim = ClaimRun(machine_id=_state(session).machine_id, worker=tools.worker, now=tools.now())
    await session.execute(claim, meta(tools, session))
    run = _state(session)
    if run.ended or not run.claimed or run.prompt_id is None:
        return
    known = await machine.look_up(run.prompt_id) if taken_over else Lost()
    if not isinstance(known, Lost):
        await _follow(session, run, machine, prepared, tools)
    elif run.accepted or run.cancel_requested:
        await _record(session, run.attempt, known, tools)
    elif await _submit(run.prompt_id, machine, prepared):
        await _follow(session, run, machine, prepared, tools)
    else:
        lost = LoseAttempt(attempt=run.attempt, reason="the machine took nothing", now=tools.now())
        await _say(session, lost, tools)


async def _submit(prompt_id: UUID, machine: Machine, prepared: Prepared) -> bool:
    """Offer the prompt until the machine has it; tell whether it has."""
    for tried in range(1, SUBMISSIONS + 1):
        try:
            await machine.submit(prompt_id, prepared.graph, ui_graph=prepared.ui_graph)
        except OutcomeUnknown:
            if not isinstance(await _ask_twice(machine, prompt_id), Lost):
                return True
        except MachineUnreachable as error:
            # Nothing was accepted, so nothing has to be found out first.
            log.info("machine.refused_connection", extra={"error": str(error), "tried": tried})
        else:
            return True
    return False


async def _ask_twice(machine: Machine, prompt_id: UUID) -> PromptState:
    """Ask what became of a submission whose answer was lost; a slow machine may queue it late."""
    known = await machine.look_up(prompt_id)
    if isinstance(known, Lost):
        await asyncio.sleep(random.uniform(2, 6))  # noqa: S311 -- the seed's pause, with jitter
        known = await machine.look_up(prompt_id)
    return known


async def _follow(
    session: RunSession, run: Run, machine: Machine, prepared: Prepared, tools: Tools
) -> None:
    assert run.prompt_id is not None  # it was claimed
    report = _Report(session, run.fence, tools)
    async with (
        tools.heard(session.name, CANCEL_REQUESTED) as cancel_heard,
        _task(machine.watch(run.prompt_id, prepared.graph, report)) as watching,
        _task(_cancellation(session, cancel_heard)) as cancellation,
    ):
        await report.started()
        if _state(session).cancel_requested:
            cancel_heard.set()
        await asyncio.wait(
            {watching, cancellation},
            timeout=tools.settings.run_timeout,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if watching.done():
            await _record(session, run.attempt, watching.result(), tools)
            return
        stopped = cancellation.done() and cancellation.exception() is None
        with suppress(MachineUnreachable, TimeoutError):
            await asyncio.wait_for(machine.cancel(run.prompt_id), CANCEL_PATIENCE)
        ending = ConfirmCancel(now=tools.now()) if stopped else _timed_out(run, tools)
        await _say(session, ending, tools)


async def _cancellation(session: RunSession, heard: asyncio.Event) -> None:
    """Return when someone asks to stop the run."""
    while not (_state(session).cancel_requested or _state(session).ended):
        with suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), LOOK_AGAIN)
        heard.clear()
        with suppress(LogUnavailable):  # An outage of the log is no reason to stop the machine.
            await session.load()


async def _record(session: RunSession, attempt: int, outcome: Outcome, tools: Tools) -> None:
    now = tools.now()
    match outcome:
        case Finished():
            produced = RecordOutputs(attempt=attempt, outputs=outcome.outputs, now=now)
            await session.execute(produced, meta(tools, session, "outputs", attempt))
            await session.execute(SettleRun(now=now), meta(tools, session, "settle", attempt))
        case Failed():
            error = RunError(
                code="node_failed",
                message=outcome.message,
                node_id=outcome.node_id,
                node_class=outcome.node_class,
                exception=outcome.exception,
            )
            await _say(session, FailRun(error=error, now=now, attempt=attempt), tools)
        case Interrupted():
            error = RunError(
                code="interrupted", message="someone stopped the prompt on the machine"
            )
            await _say(session, FailRun(error=error, now=now, attempt=attempt), tools)
        case Lost():
            lost = LoseAttempt(
                attempt=attempt, reason="the machine knows nothing of it any more", now=now
            )
            await _say(session, lost, tools)


async def _wait_or_fail(session: RunSession, delivery: int, error: Exception, tools: Tools) -> None:
    """Wait for what does not answer, but not for ever."""
    run = _state(session)
    waited = (tools.now() - run.created_at).total_seconds()
    if run.cancel_requested:
        await _say(session, ConfirmCancel(now=tools.now()), tools)
    elif run.claimed and delivery * LONGEST_PAUSE > tools.settings.machine_wait:
        lost = LoseAttempt(attempt=run.attempt, reason=str(error), now=tools.now())
        await _say(session, lost, tools)
    elif not run.claimed and waited > tools.settings.machine_wait:
        away = "machine" if isinstance(error, MachineUnreachable) else "storage"
        reason = RunError(code=f"{away}_unreachable", message=str(error))
        await _say(session, FailRun(error=reason, now=tools.now()), tools)
    else:
        # A claimed run may be rendering all the while: whoever comes next asks the machine.
        raise Later(min(float(delivery), LONGEST_PAUSE)) from error


async def _say(session: RunSession, command: RunCommand, tools: Tools) -> None:
    await session.execute(command, meta(tools, session))


def _timed_out(run: Run, tools: Tools) -> TimeOutRun:
    message = f"not finished within {tools.settings.run_timeout:g} s"
    error = RunError(code="run_timeout", message=message)
    return TimeOutRun(attempt=run.attempt, error=error, now=tools.now())


def _refusal(error: WorkflowRejected | RunCannotStart | MachineMissing) -> RunError:
    if isinstance(error, RunCannotStart):
        return error.error
    if isinstance(error, MachineMissing):
        return RunError(code="machine_missing", message="the deployment's machine is gone")
    first = error.problems[0]
    return RunError(
        code=first.code,
        message=str(error),
        node_id=first.node_id,
        node_class=first.node_class,
        input_name=first.input_name,
    )


def _state(session: RunSession) -> Run:
    assert session.state is not None  # it was loaded and found
    return session.state


class _Report:
    """Passes on what the watcher of a machine sees."""

    def __init__(self, session: RunSession, fence: int, tools: Tools) -> None:
        self._session = session
        self._fence = fence
        self._tools = tools
        self._progress = tools.progress_of(_state(session).id)

    async def started(self) -> None:
        await self._status(Status.STARTED)

    async def running(self) -> None:
        await self._status(Status.RUNNING)

    async def progress(self, progress: Progress) -> None:
        await self._progress.send(progress)

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
