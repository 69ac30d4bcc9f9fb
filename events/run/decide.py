"""What may be asked of a run, and what follows: commands in, facts out.

Every command is safe to send twice: what is already so adds nothing. After the end of a run
every report is answered with silence.
"""

from events.errors import AlreadyExists, IllegalTransition, NotFound, Superseded
from events.ids import prompt_id
from events.run.commands import (
    ClaimRun,
    ConfirmCancel,
    CreateRun,
    EraseRun,
    FailRun,
    LoseAttempt,
    NoteWaiting,
    OpenRunCommand,
    RecordDataDeleted,
    RecordInputImage,
    RecordOutputs,
    RecordUpload,
    ReportStatus,
    RequestCancel,
    RunCommand,
    SettleRun,
    TimeOutRun,
)
from events.run.endings import (
    cancelled,
    changed,
    confirm_cancel,
    fail,
    failed,
    is_over,
    lose,
    request_cancel,
    time_out,
)
from events.run.events import (
    AttemptFailed,
    OutputsProduced,
    RunClaimed,
    RunError,
    RunEvent,
)
from events.run.output import Output
from events.run.redaction import decide_erasure
from events.run.state import Run
from events.run.status import Status, can_become
from events.run.waiting import decide_waiting

REPORTED = frozenset({Status.STARTED, Status.RUNNING})
"""What a machine tells of its own work; everything else follows from other facts."""

MAX_OUTPUTS = 400
"""Each stored file is an event, and a run has room for a few hundred (infra/jetstream/streams)."""

MAX_TEXT = 200_000
"""Characters of text a run may produce: they are kept as one message, which may have 1 MB."""


def decide(run: Run | None, command: RunCommand) -> list[RunEvent]:
    """Give the facts that follow from *command*.

    Raises:
        CommandRefused: the rules say no.

    """
    if isinstance(command, CreateRun):
        return _create(run, command)
    if run is None:
        raise NotFound("there is no run with this id")
    if isinstance(command, EraseRun | RecordDataDeleted):
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
            return lose(run, command)
        case FailRun():
            return fail(run, command)
        case TimeOutRun():
            return time_out(run, command)
        case RequestCancel():
            return request_cancel(run, command)
        case ConfirmCancel():
            return confirm_cancel(run, command)


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
        return [changed(run, Status.CANCELLED, "cancelled", command.now)]
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
        raise IllegalTransition(f"a machine does not report {command.status}")
    if command.fence != run.fence:
        raise Superseded
    # A status does not go back, but when the machine began is a fact of each attempt.
    begins = command.status is Status.RUNNING and run.running_at is None
    if not run.claimed or not (begins or can_become(run.status, command.status)):
        return []
    return [changed(run, command.status, "machine", command.now)]


def _note_waiting(run: Run, command: NoteWaiting) -> list[RunEvent]:
    if command.fence is not None and command.fence != run.fence:
        raise Superseded
    return decide_waiting(run.waiting, run.waits, command)


def _record_outputs(run: Run, command: RecordOutputs) -> list[RunEvent]:
    if is_over(run, command.attempt):
        return []
    if run.cancel_requested:
        return [cancelled(run, command)]
    if not outputs_fit(command.outputs):
        return failed(run, _too_many(run, command))
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
    return [changed(run, Status.SUCCESS, "complete", command.now)] if run.complete else []


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
