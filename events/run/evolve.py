"""How each fact changes a run."""

from msgspec import UNSET
from msgspec.structs import asdict, replace

from events.run.events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    FileUploaded,
    ImageUploaded,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
    RunCreated,
    RunDataDeleted,
    RunDataErased,
    RunEvent,
    RunInputsDeleted,
    RunInputsErased,
    RunWaiting,
    StatusChanged,
    Uploaded,
)
from events.run.redaction import redact_inputs_of, redact_run
from events.run.state import Run, Upload
from events.run.status import TERMINAL, Status, can_become
from events.run.times import off_machine
from events.run.waiting import waiting_after


def evolve(run: Run | None, event: RunEvent) -> Run:
    """Fold one fact into the state. After the end nothing but erasure changes anything."""
    if run is None:
        if not isinstance(event, RunCreated):
            raise ValueError(f"a run begins with RunCreated, not {type(event).__name__}")
        return _created(event)
    if run.ended:
        return _after_the_end(run, event)
    return replace(_evolved(run, event), updated_at=event.at)


def _after_the_end(run: Run, event: RunEvent) -> Run:
    match event:
        case RunDataErased():
            return replace(redact_run(run), erased_at=event.at)
        case RunDataDeleted():
            return replace(run, deleted_at=event.at)
        case RunInputsErased():
            erased = replace(run, inputs_erased_at=event.at, inputs_due=event.due)
            return redact_inputs_of(erased)
        case RunInputsDeleted():
            return replace(run, inputs_deleted_at=event.at)
        case _:
            return run


def _evolved(run: Run, event: RunEvent) -> Run:  # noqa: PLR0911, C901 -- one line for each fact
    match event:
        case (
            RunCreated()
            | RunDataErased()
            | RunDataDeleted()
            | RunInputsErased()
            | RunInputsDeleted()
        ):
            return run
        case RunWaiting():
            return _waiting(run, event)
        case RunClaimed():
            return _claimed(run, event)
        case StatusChanged():
            return _status_changed(run, event)
        case OutputsProduced():
            return _produced(run, event)
        case ImageUploaded() | FileUploaded():
            return _uploaded(run, event)
        case AttemptFailed():
            return _failed(run, event)
        case AttemptLost():
            return _lost(run, event)
        case RetryScheduled():
            return replace(run, retry_due=event.due)
        case CancelRequested():
            return replace(run, cancel_requested=True)


def _created(event: RunCreated) -> Run:
    return Run(
        id=event.run_id,
        user_id=event.user_id,
        org_id=event.org_id,
        workflow_id=event.workflow_id,
        version_id=event.version_id,
        version=event.version,
        deployment_id=event.deployment_id,
        environment=event.environment,
        machine_id=event.machine_id,
        graph_key=event.graph_key,
        ui_graph_key=event.ui_graph_key,
        has_inputs=event.has_inputs,
        request_hash=event.request_hash,
        origin=event.origin,
        created_at=event.at,
        updated_at=event.at,
        batch_id=event.batch_id,
        batch_index=event.batch_index,
        rerun_of=event.rerun_of,
        workflow_name=event.workflow_name,
    )


def _waiting(run: Run, event: RunWaiting) -> Run:
    waiting = waiting_after(
        run.waiting,
        reason=event.reason,
        detail=event.detail,
        machine_id=event.machine_id,
        at=event.at,
    )
    return replace(run, waiting=waiting, waits=run.waits + bool(event.reason))


def _claimed(run: Run, event: RunClaimed) -> Run:
    fresh = event.attempt != run.attempt
    return replace(
        run,
        attempt_at=event.at if fresh else run.attempt_at,
        running_at=None if fresh else run.running_at,
        render_seconds=0.0,
        waiting=None,
        status=_forward(run.status, Status.QUEUED),
        attempt=event.attempt,
        machine_id=event.machine_id,
        machine_name=event.machine_name,
        prompt_id=event.prompt_id,
        fence=event.fence,
        claimed=True,
        accepted=False if fresh else run.accepted,
        retry_due=None,
        produced=False if fresh else run.produced,
        outputs=() if fresh else run.outputs,
        uploads={} if fresh else run.uploads,
    )


def _status_changed(run: Run, event: StatusChanged) -> Run:
    running = event.status is Status.RUNNING
    current = running and run.claimed and event.attempt == run.attempt
    if event.status in TERMINAL:
        return _ended(run, event)
    return replace(
        run,
        waiting=None,
        status=_forward(run.status, event.status),
        started_at=run.started_at or (event.at if running else None),
        running_at=run.running_at or (event.at if current else None),
        accepted=run.accepted or event.attempt == run.attempt,
    )


def _ended(run: Run, event: StatusChanged) -> Run:
    if run.claimed:
        run = off_machine(run, event.at)
    ending = None if event.ending is UNSET else event.ending
    return replace(
        run,
        waiting=None,
        status=_forward(run.status, event.status),
        started_at=run.started_at or (ending.began_at if ending else None),
        ended_at=event.at,
        ending=ending,
        accepted=run.accepted or event.attempt == run.attempt,
        error=event.error,
    )


def _produced(run: Run, event: OutputsProduced) -> Run:
    if event.attempt != run.attempt:
        return run
    run = off_machine(run, event.at, measured=event.render_seconds, rendered=True)
    return replace(
        run,
        status=_forward(run.status, Status.UPLOADING),
        waiting=None,
        produced=True,
        outputs=event.outputs,
    )


def _uploaded(run: Run, event: Uploaded) -> Run:
    upload = Upload(**asdict(event.file), upload_duration=event.upload_duration, at=event.at)
    if isinstance(event, ImageUploaded) and event.role == "input":
        return replace(run, inputs=run.inputs | {event.name: upload})
    if event.attempt != run.attempt:
        return run
    return replace(run, waiting=None, uploads=run.uploads | {event.index: upload})


def _failed(run: Run, event: AttemptFailed) -> Run:
    run = off_machine(run, event.at, measured=event.render_seconds, rendered=True)
    return replace(run, error=event.error)


def _lost(run: Run, event: AttemptLost) -> Run:
    if event.attempt != run.attempt:
        return run
    if run.claimed:
        run = off_machine(run, event.at)
    return replace(run, waiting=None, produced=False, outputs=(), uploads={})


def _forward(status: Status, goal: Status) -> Status:
    """Move to *goal* if the table allows it; a status never goes back."""
    return goal if can_become(status, goal) else status
