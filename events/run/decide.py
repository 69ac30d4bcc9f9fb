"""What may be asked of a run, and what follows: commands in, facts out.

Every command is safe to send twice: what is already so adds nothing. After the end of a run
every report is answered with silence.
"""

from datetime import datetime, timedelta

from msgspec import UNSET

from events.errors import AlreadyExists, IllegalTransition, NotFound, Superseded
from events.ids import prompt_id
from events.run.commands import (
    ClaimRun,
    ConfirmCancel,
    CreateRun,
    Erasure,
    FailRun,
    LoseAttempt,
    NoteWaiting,
    OpenRunCommand,
    RecordInputImage,
    RecordOutputs,
    RecordUpload,
    ReportStatus,
    RequestCancel,
    RunCommand,
    SettleRun,
    TimeOutRun,
)
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
    RunError,
    RunEvent,
    StatusChanged,
)
from events.run.evolve import evolve
from events.run.output import Output
from events.run.redaction import decide_erasure
from events.run.state import Run
from events.run.status import TERMINAL, Status, can_become
from events.run.times import ending_of, off_machine
from events.run.waiting import decide_waiting

REPORTED = frozenset({Status.STARTED, Status.RUNNING})
"""What a machine tells of its own work; everything else follows from other facts."""

MAX_OUTPUTS = 400
"""Each stored file is an event, and a run has room for a few hundred (infra/jetstream/streams)."""

MAX_TEXT = 200_000
"""Characters of text a run may produce: they are kept as one message, which may have 1 MB."""

MAX_ATTEMPTS = 3
RETRY_DELAYS = (timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=6))
"""Pause before the next attempt: the seed's rule, 2 to 6 s."""


def decide(run: Run | None, command: RunCommand) -> list[RunEvent]:
    """Decide the events that follow from *command*.

    Raises:
        CommandRefused: the rules say no.

    """
    if isinstance(command, CreateRun):
        return _create(run, command)
    if run is None:
        raise NotFound("there is no run with this id")
    if isinstance(command, Erasure):
        return decide_erasure(run, command)
    if run.ended:
        return []
    return _decide_open(run, command)


def _decide_open(run: Run, command: OpenRunCommand) -> list[RunEvent]:  # noqa: PLR0911, PLR0912, C901 -- a switch
    match command:
        case CreateRun():
            return []
        case ClaimRun():
            return _claim(run, command)
        case ReportStatus():
            return _report(run, command)
        case NoteWaiting():
            return _note_waiting(run, command)
        case RecordInputImage():
            return [] if command.image.name in run.inputs else [command.image]
        case RecordOutputs():
            return _record_outputs(run, command)
        case RecordUpload():
            return _record_upload(run, command)
        case SettleRun():
            return _settle(run, command)
        case LoseAttempt():
            return _lose(run, command)
        case FailRun():
            return _fail(run, command)
        case TimeOutRun():
            return _time_out(run, command)
        case RequestCancel():
            return _request_cancel(run, command)
        case ConfirmCancel():
            return _confirm_cancel(run, command)


def _create(run: Run | None, command: CreateRun) -> list[RunEvent]:
    if run is None:
        return [command.created, *command.images]
    if run.request_hash != command.created.request_hash:
        raise AlreadyExists("this Idempotency-Key belongs to a different request")
    return []


def _claim(run: Run, command: ClaimRun) -> list[RunEvent]:
    if run.produced:
        return []
    if command.fence is not None and command.fence != run.fence:
        raise Superseded
    if run.cancel_requested and not run.claimed:
        return [_changed(run, Status.CANCELLED, "cancelled", command.now)]
    # An open attempt is resumed under its own prompt id: the machine may know it.
    attempt = run.attempt if run.claimed else run.attempt + 1
    return [
        RunClaimed(
            attempt=attempt,
            machine_id=command.machine_id,
            prompt_id=prompt_id(run.id, attempt),
            fence=run.fence + 1,
            worker=command.worker,
            at=command.now,
            reason=_why_claimed(run),
            machine_name=command.machine_name,
        )
    ]


def _why_claimed(run: Run) -> str:
    if run.claimed:
        return "takeover"
    return "retry" if run.attempt else "deployment"


def _report(run: Run, command: ReportStatus) -> list[RunEvent]:
    if command.status not in REPORTED:
        raise IllegalTransition("a machine does not report {status}", status=command.status)
    if command.fence != run.fence:
        raise Superseded
    # A status does not go back, but when the machine began is a fact of each attempt.
    begins = command.status is Status.RUNNING and run.running_at is None
    if not run.claimed or not (begins or can_become(run.status, command.status)):
        return []
    return [_changed(run, command.status, "machine", command.now)]


def _note_waiting(run: Run, command: NoteWaiting) -> list[RunEvent]:
    if command.fence is not None and command.fence != run.fence:
        raise Superseded
    return decide_waiting(run.waiting, run.waits, command)


def _record_outputs(run: Run, command: RecordOutputs) -> list[RunEvent]:
    if _is_over(run, command.attempt):
        return []
    if run.cancel_requested:
        return [_cancelled(run, command)]
    if not outputs_fit(command.outputs):
        return _failed(run, _too_many(run, command))
    return [
        OutputsProduced(
            attempt=command.attempt,
            outputs=command.outputs,
            at=command.now,
            nodes=command.nodes,
            render_seconds=command.render_seconds,
        )
    ]


def outputs_fit(outputs: tuple[Output, ...]) -> bool:
    """Whether a run may have so many outputs, and so much text."""
    return len(outputs) <= MAX_OUTPUTS and sum(o.characters for o in outputs) <= MAX_TEXT


def _record_upload(run: Run, command: RecordUpload) -> list[RunEvent]:
    upload = command.upload
    stale = upload.attempt != run.attempt or upload.index in run.uploads
    return [] if stale else [upload]


def _settle(run: Run, command: SettleRun) -> list[RunEvent]:
    return [_changed(run, Status.SUCCESS, "complete", command.now)] if run.complete else []


def _too_many(run: Run, command: RecordOutputs) -> AttemptFailed:
    message = (
        f"the workflow made {len(command.outputs)} outputs; a run may have {MAX_OUTPUTS}, "
        f"with {MAX_TEXT} characters of text in all"
    )
    return AttemptFailed(
        attempt=run.attempt,
        error=RunError(code="too_many_outputs", message=message),
        at=command.now,
        nodes=command.nodes,
        render_seconds=command.render_seconds,
    )


def _lose(run: Run, command: LoseAttempt) -> list[RunEvent]:
    """Lose an attempt: the run is tried again, unless that was the last one."""
    if command.attempt != run.attempt or not (run.claimed or run.produced):
        return []
    lost = AttemptLost(attempt=run.attempt, reason=command.reason, at=command.now)
    if run.cancel_requested:
        return [lost, _changed(evolve(run, lost), Status.CANCELLED, "cancelled", command.now)]
    if run.attempt >= MAX_ATTEMPTS:
        error = RunError(
            code="machine_lost_run",
            message=f"the machine lost the run {MAX_ATTEMPTS} times: {command.reason}",
        )
        return [lost, _changed(evolve(run, lost), Status.FAILED, error.code, command.now, error)]
    due = command.now + RETRY_DELAYS[run.attempt - 1]
    return [lost, RetryScheduled(attempt=run.attempt + 1, due=due, at=command.now)]


def _fail(run: Run, command: FailRun) -> list[RunEvent]:
    """Fail the run; a cancellation that came first wins."""
    if command.attempt is None:
        return [_changed(run, Status.FAILED, command.error.code, command.now, command.error)]
    if _is_over(run, command.attempt):
        return []
    if run.cancel_requested:
        return [_cancelled(run, command)]
    attempt = AttemptFailed(
        attempt=run.attempt,
        error=command.error,
        at=command.now,
        nodes=command.nodes,
        render_seconds=command.render_seconds,
    )
    return _failed(run, attempt)


def _time_out(run: Run, command: TimeOutRun) -> list[RunEvent]:
    """End the run because its attempt took too long."""
    if _is_over(run, command.attempt):
        return []
    return [_changed(run, Status.TIMEOUT, command.error.code, command.now, command.error)]


def _request_cancel(run: Run, command: RequestCancel) -> list[RunEvent]:
    """Request the stop of the run; one that no machine has ends at once."""
    if run.cancel_requested:
        return []
    asked = CancelRequested(by=command.by, at=command.now)
    if run.claimed:
        return [asked]
    return [asked, _changed(run, Status.CANCELLED, "cancelled", command.now)]


def _confirm_cancel(run: Run, command: ConfirmCancel) -> list[RunEvent]:
    """End the run that someone wanted stopped."""
    if not run.cancel_requested:
        return []
    return [_changed(run, Status.CANCELLED, "cancelled", command.now)]


def _cancelled(run: Run, command: FailRun | RecordOutputs) -> StatusChanged:
    """Return the end of a run that was rendered, or failed, after someone wanted it stopped."""
    over = off_machine(run, command.now, measured=command.render_seconds, rendered=True)
    return _changed(over, Status.CANCELLED, "cancelled", command.now)


def _is_over(run: Run, attempt: int) -> bool:
    """Whether nothing more can be reported of an attempt: it was lost, rendered or followed."""
    return attempt != run.attempt or not run.claimed


def _failed(run: Run, attempt: AttemptFailed) -> list[RunEvent]:
    """Return the facts of an attempt that failed, and of its run."""
    error = attempt.error
    return [
        attempt,
        _changed(evolve(run, attempt), Status.FAILED, error.code, attempt.at, error),
    ]


def _changed(
    run: Run, status: Status, reason: str, now: datetime, error: RunError | None = None
) -> StatusChanged:
    """Return the event that the run has another status."""
    return StatusChanged(
        status=status,
        reason=reason,
        attempt=run.attempt,
        machine_id=run.machine_id if run.attempt else None,
        at=now,
        error=error,
        ending=ending_of(run, now) if status in TERMINAL else UNSET,
    )
