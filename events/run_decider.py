"""What may be asked of a run, and what follows: commands in, facts out.

Every command is safe to send twice: what is already so adds nothing. After the end of a run
every report is answered with silence.
"""

from datetime import datetime, timedelta

from events.errors import AlreadyExists, IllegalTransition, NotFound, Superseded
from events.identity import prompt_id
from events.output import Output
from events.run import Run
from events.run_commands import (
    ClaimRun,
    ConfirmCancel,
    CreateRun,
    FailRun,
    LoseAttempt,
    RecordInputImage,
    RecordOutputs,
    RecordUpload,
    ReportStatus,
    RequestCancel,
    RunCommand,
    SettleRun,
    TimeOutRun,
)
from events.run_events import (
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
from events.status import Status, can_become

MAX_ATTEMPTS = 3
RETRY_DELAYS = (timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=6))
"""Pause before the next attempt: the seed's rule, 2 to 6 s."""

REPORTED = frozenset({Status.STARTED, Status.RUNNING})
"""What a machine tells of its own work; everything else follows from other facts."""

MAX_OUTPUTS = 400
"""Each stored file is an event, and a run has room for a few hundred (infra/streams.py)."""

MAX_TEXT = 200_000
"""Characters of text a run may produce: they are in one event, and the log takes 1 MB."""


def decide(run: Run | None, command: RunCommand) -> list[RunEvent]:
    """Give the facts that follow from *command*.

    Raises:
        CommandRefused: the rules say no.

    """
    if isinstance(command, CreateRun):
        return _create(run, command)
    if run is None:
        raise NotFound("there is no run with this id")
    if run.ended:
        return []
    return _decide_open(run, command)


def _decide_open(run: Run, command: RunCommand) -> list[RunEvent]:  # noqa: PLR0911, C901 -- a switch
    match command:
        case CreateRun():
            return []
        case ClaimRun():
            return _claim(run, command)
        case ReportStatus():
            return _report(run, command)
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
        )
    ]


def _report(run: Run, command: ReportStatus) -> list[RunEvent]:
    if command.status not in REPORTED:
        raise IllegalTransition(f"a machine does not report {command.status}")
    if command.fence != run.fence:
        raise Superseded
    if not run.claimed or not can_become(run.status, command.status):
        return []
    return [_changed(run, command.status, "machine", command.now)]


def _record_outputs(run: Run, command: RecordOutputs) -> list[RunEvent]:
    if _is_over(run, command.attempt):
        return []
    if run.cancel_requested:
        return [_changed(run, Status.CANCELLED, "cancelled", command.now)]
    texts = sum(len(output.text or "") for output in command.outputs)
    if len(command.outputs) > MAX_OUTPUTS or texts > MAX_TEXT:
        return _failed(run, _too_many(command.outputs), command.now)
    return [OutputsProduced(attempt=command.attempt, outputs=command.outputs, at=command.now)]


def _record_upload(run: Run, command: RecordUpload) -> list[RunEvent]:
    upload = command.upload
    stale = upload.attempt != run.attempt or upload.index in run.uploads
    return [] if stale else [upload]


def _settle(run: Run, command: SettleRun) -> list[RunEvent]:
    return [_changed(run, Status.SUCCESS, "complete", command.now)] if run.complete else []


def _lose(run: Run, command: LoseAttempt) -> list[RunEvent]:
    if command.attempt != run.attempt or not (run.claimed or run.produced):
        return []
    lost = AttemptLost(attempt=run.attempt, reason=command.reason, at=command.now)
    if run.cancel_requested:
        return [lost, _changed(run, Status.CANCELLED, "cancelled", command.now)]
    if run.attempt >= MAX_ATTEMPTS:
        error = RunError(
            code="machine_lost_run",
            message=f"the machine lost the run {MAX_ATTEMPTS} times: {command.reason}",
        )
        return [lost, _changed(run, Status.FAILED, error.code, command.now, error)]
    due = command.now + RETRY_DELAYS[run.attempt - 1]
    return [lost, RetryScheduled(attempt=run.attempt + 1, due=due, at=command.now)]


def _fail(run: Run, command: FailRun) -> list[RunEvent]:
    if command.attempt is None:
        return [_changed(run, Status.FAILED, command.error.code, command.now, command.error)]
    if _is_over(run, command.attempt):
        return []
    if run.cancel_requested:
        return [_changed(run, Status.CANCELLED, "cancelled", command.now)]
    return _failed(run, command.error, command.now)


def _time_out(run: Run, command: TimeOutRun) -> list[RunEvent]:
    if _is_over(run, command.attempt):
        return []
    return [_changed(run, Status.TIMEOUT, command.error.code, command.now, command.error)]


def _request_cancel(run: Run, command: RequestCancel) -> list[RunEvent]:
    if run.cancel_requested:
        return []
    asked = CancelRequested(by=command.by, at=command.now)
    if run.claimed:
        return [asked]
    return [asked, _changed(run, Status.CANCELLED, "cancelled", command.now)]


def _confirm_cancel(run: Run, command: ConfirmCancel) -> list[RunEvent]:
    if not run.cancel_requested:
        return []
    return [_changed(run, Status.CANCELLED, "cancelled", command.now)]


def _is_over(run: Run, attempt: int) -> bool:
    """Whether nothing more can be told of an attempt: it was lost, rendered or followed."""
    return attempt != run.attempt or not run.claimed


def _failed(run: Run, error: RunError, now: datetime) -> list[RunEvent]:
    failed = AttemptFailed(attempt=run.attempt, error=error, at=now)
    return [failed, _changed(run, Status.FAILED, error.code, now, error)]


def _too_many(outputs: tuple[Output, ...]) -> RunError:
    message = (
        f"the workflow made {len(outputs)} outputs; a run may have {MAX_OUTPUTS}, "
        f"with {MAX_TEXT} characters of text in all"
    )
    return RunError(code="too_many_outputs", message=message)


def _changed(
    run: Run, status: Status, reason: str, now: datetime, error: RunError | None = None
) -> StatusChanged:
    return StatusChanged(
        status=status,
        reason=reason,
        attempt=run.attempt,
        machine_id=run.machine_id if run.attempt else None,
        at=now,
        error=error,
    )
