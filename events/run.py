"""One run: its state, and how a fact changes the state."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.output import Output
from events.run_events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    FileUploaded,
    ImageUploaded,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
    RunCreated,
    RunError,
    RunEvent,
    StatusChanged,
)
from events.status import TERMINAL, Status, can_become


class Upload(Struct, frozen=True, kw_only=True):
    """A stored file, as a reader of the run needs it."""

    key: str
    media_type: str
    bytes: int
    sha256: str
    upload_duration: float
    at: datetime
    width: int | None = None
    height: int | None = None


class Run(Struct, frozen=True, kw_only=True):
    """The state of a run: the fold of its events."""

    id: UUID
    user_id: str | None
    org_id: str | None
    workflow_id: UUID
    version_id: UUID
    version: int
    deployment_id: UUID
    environment: str
    machine_id: UUID
    graph_key: str
    ui_graph_key: str | None
    has_inputs: bool
    request_hash: str
    origin: str
    created_at: datetime
    updated_at: datetime
    status: Status = Status.NOT_STARTED
    started_at: datetime | None = None
    """When the machine began; kept over attempts."""

    ended_at: datetime | None = None
    attempt: int = 0
    fence: int = 0
    prompt_id: UUID | None = None
    claimed: bool = False
    """Whether an attempt is on a machine now."""

    accepted: bool = False
    """Whether the machine is known to have taken the current attempt."""

    produced: bool = False
    """Whether the current attempt has rendered everything."""

    retry_due: datetime | None = None
    cancel_requested: bool = False
    inputs: dict[str, Upload] = {}
    """Input images in object storage, by input name."""

    outputs: tuple[Output, ...] = ()
    uploads: dict[int, Upload] = {}
    """Stored outputs of the current attempt, by output index."""

    error: RunError | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to the run any more."""
        return self.status in TERMINAL

    @property
    def complete(self) -> bool:
        """Whether every file of a finished render is stored."""
        return self.produced and all(o.index in self.uploads for o in self.outputs if o.is_file)


def evolve(run: Run | None, event: RunEvent) -> Run:
    """Fold one fact into the state. Facts after the end change nothing."""
    if run is None:
        if not isinstance(event, RunCreated):
            raise ValueError(f"a run begins with RunCreated, not {type(event).__name__}")
        return _created(event)
    if run.ended:
        return run
    return replace(_evolved(run, event), updated_at=event.at)


def _evolved(run: Run, event: RunEvent) -> Run:  # noqa: PLR0911 -- one line for each fact
    match event:
        case RunCreated():
            return run
        case RunClaimed():
            return _claimed(run, event)
        case StatusChanged():
            return _status_changed(run, event)
        case OutputsProduced():
            return _produced(run, event)
        case ImageUploaded() | FileUploaded():
            return _uploaded(run, event)
        case AttemptFailed():
            return replace(run, claimed=False, error=event.error)
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
    )


def _claimed(run: Run, event: RunClaimed) -> Run:
    fresh = event.attempt != run.attempt
    return replace(
        run,
        status=_forward(run.status, Status.QUEUED),
        attempt=event.attempt,
        machine_id=event.machine_id,
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
    begins = event.status is Status.RUNNING and run.started_at is None
    return replace(
        run,
        status=_forward(run.status, event.status),
        started_at=event.at if begins else run.started_at,
        ended_at=event.at if event.status in TERMINAL else None,
        claimed=run.claimed and event.status not in TERMINAL,
        accepted=run.accepted or event.attempt == run.attempt,
        error=event.error if event.status in TERMINAL else run.error,
    )


def _produced(run: Run, event: OutputsProduced) -> Run:
    if event.attempt != run.attempt:
        return run
    return replace(
        run,
        status=_forward(run.status, Status.UPLOADING),
        started_at=run.started_at or event.at,
        claimed=False,
        produced=True,
        outputs=event.outputs,
    )


def _uploaded(run: Run, event: ImageUploaded | FileUploaded) -> Run:
    upload = Upload(
        key=event.key,
        media_type=event.media_type,
        bytes=event.bytes,
        sha256=event.sha256,
        upload_duration=event.upload_duration,
        at=event.at,
        width=event.width if isinstance(event, ImageUploaded) else None,
        height=event.height if isinstance(event, ImageUploaded) else None,
    )
    if isinstance(event, ImageUploaded) and event.role == "input":
        return replace(run, inputs=run.inputs | {event.name: upload})
    if event.attempt != run.attempt:
        return run
    return replace(run, uploads=run.uploads | {event.index: upload})


def _lost(run: Run, event: AttemptLost) -> Run:
    if event.attempt != run.attempt:
        return run
    return replace(run, claimed=False, produced=False, outputs=(), uploads={})


def _forward(status: Status, goal: Status) -> Status:
    """Move to *goal* if the table allows it; a status never goes back."""
    return goal if can_become(status, goal) else status
