"""How runs end, and how attempts do: lost, failed, timed out, cancelled."""

from datetime import datetime, timedelta

from msgspec import UNSET

from events.run.commands import (
    ConfirmCancel,
    FailRun,
    LoseAttempt,
    RecordOutputs,
    RequestCancel,
    TimeOutRun,
)
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    RetryScheduled,
    RunError,
    RunEvent,
    StatusChanged,
)
from events.run.evolve import evolve
from events.run.state import Run
from events.run.status import TERMINAL, Status
from events.run.times import ending_of, off_machine

MAX_ATTEMPTS = 3
RETRY_DELAYS = (timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=6))
"""Pause before the next attempt: the seed's rule, 2 to 6 s."""


def lose(run: Run, command: LoseAttempt) -> list[RunEvent]:
    """Lose an attempt: the run is tried again, unless that was the last one."""
    if command.attempt != run.attempt or not (run.claimed or run.produced):
        return []
    lost = AttemptLost(attempt=run.attempt, reason=command.reason, at=command.now)
    if run.cancel_requested:
        return [lost, changed(evolve(run, lost), Status.CANCELLED, "cancelled", command.now)]
    if run.attempt >= MAX_ATTEMPTS:
        error = RunError(
            code="machine_lost_run",
            message=f"the machine lost the run {MAX_ATTEMPTS} times: {command.reason}",
        )
        return [lost, changed(evolve(run, lost), Status.FAILED, error.code, command.now, error)]
    due = command.now + RETRY_DELAYS[run.attempt - 1]
    return [lost, RetryScheduled(attempt=run.attempt + 1, due=due, at=command.now)]


def fail(run: Run, command: FailRun) -> list[RunEvent]:
    """Fail the run; a cancellation that came first wins."""
    if command.attempt is None:
        return [changed(run, Status.FAILED, command.error.code, command.now, command.error)]
    if is_over(run, command.attempt):
        return []
    if run.cancel_requested:
        return [cancelled(run, command)]
    attempt = AttemptFailed(
        attempt=run.attempt,
        error=command.error,
        at=command.now,
        nodes=command.nodes,
        render_seconds=command.render_seconds,
    )
    return failed(run, attempt)


def time_out(run: Run, command: TimeOutRun) -> list[RunEvent]:
    """End the run because its attempt took too long."""
    if is_over(run, command.attempt):
        return []
    return [changed(run, Status.TIMEOUT, command.error.code, command.now, command.error)]


def request_cancel(run: Run, command: RequestCancel) -> list[RunEvent]:
    """Note that someone wants the run stopped; one that no machine has stops at once."""
    if run.cancel_requested:
        return []
    asked = CancelRequested(by=command.by, at=command.now)
    if run.claimed:
        return [asked]
    return [asked, changed(run, Status.CANCELLED, "cancelled", command.now)]


def confirm_cancel(run: Run, command: ConfirmCancel) -> list[RunEvent]:
    """End the run that someone wanted stopped."""
    if not run.cancel_requested:
        return []
    return [changed(run, Status.CANCELLED, "cancelled", command.now)]


def cancelled(run: Run, command: FailRun | RecordOutputs) -> StatusChanged:
    """Return the end of a run that was rendered, or failed, after someone wanted it stopped."""
    over = off_machine(run, command.now, measured=command.render_seconds, rendered=True)
    return changed(over, Status.CANCELLED, "cancelled", command.now)


def is_over(run: Run, attempt: int) -> bool:
    """Whether nothing more can be told of an attempt: it was lost, rendered or followed."""
    return attempt != run.attempt or not run.claimed


def failed(run: Run, attempt: AttemptFailed) -> list[RunEvent]:
    """Return the facts of an attempt that failed, and of its run."""
    error = attempt.error
    return [
        attempt,
        changed(evolve(run, attempt), Status.FAILED, error.code, attempt.at, error),
    ]


def changed(
    run: Run, status: Status, reason: str, now: datetime, error: RunError | None = None
) -> StatusChanged:
    """Give the fact that the run has another status."""
    return StatusChanged(
        status=status,
        reason=reason,
        attempt=run.attempt,
        machine_id=run.machine_id if run.attempt else None,
        at=now,
        error=error,
        ending=ending_of(run, now) if status in TERMINAL else UNSET,
    )
