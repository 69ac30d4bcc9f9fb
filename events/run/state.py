"""One run: what is known of it. How a fact changes that is in evolve.py."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.files import FileRef
from events.run.events import Ending, RunError
from events.run.output import Output
from events.run.status import TERMINAL, Status
from events.run.waiting import Waiting, WaitingReason


class Upload(FileRef, frozen=True, kw_only=True):
    """A stored file of the run, and how long it took to store."""

    upload_duration: float
    at: datetime


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
    workflow_name: str = ""
    machine_name: str = ""
    """Of the machine that claimed it last, as it was called then."""

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
    attempt_at: datetime | None = None
    """When the current attempt was claimed first."""

    running_at: datetime | None = None
    """When the machine began with the attempt it is rendering now, where a fact says so."""

    render_seconds: float = 0.0
    """How long its last attempt rendered; 0 while it does."""

    gpu_seconds: float = 0.0
    """How long all attempts rendered that are off their machine."""

    ending: Ending | None = None
    """What it took."""

    waiting: Waiting | None = None
    """What keeps it from going on, as a worker found out."""

    waits: int = 0
    """How often it had to wait for something that did not answer."""

    erased_at: datetime | None = None
    """Since when its private data may not be shown; here it is gone."""

    deleted_at: datetime | None = None
    """When the last of it was deleted elsewhere."""

    inputs_erased_at: datetime | None = None
    """Since when what went into it may not be shown, though its outputs may."""

    inputs_due: datetime | None = None
    """From when that is to be deleted elsewhere."""

    inputs_deleted_at: datetime | None = None
    """When the last of that was deleted."""

    batch_id: UUID | None = None
    batch_index: int | None = None
    rerun_of: UUID | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to the run any more."""
        return self.status in TERMINAL

    @property
    def inputs_gone(self) -> bool:
        """Whether what went into the run may not be used any more."""
        return self.erased_at is not None or self.inputs_erased_at is not None

    @property
    def waits_for(self) -> str | None:
        """Reason why it stands still; what no worker has noted follows from what has not happened.

        A WaitingReason, or a reason of another version; None: it does not wait.
        """
        if self.ended:
            return None
        if self.waiting is not None:
            return self.waiting.reason
        if self.claimed:
            return WaitingReason.COMFYUI_QUEUE if self.status is Status.STARTED else None
        if self.produced:
            return None
        return WaitingReason.RETRY_DUE if self.retry_due else WaitingReason.MACHINE_QUEUE

    @property
    def complete(self) -> bool:
        """Whether every file of a finished render is stored."""
        return self.produced and all(o.index in self.uploads for o in self.outputs if o.is_file)
