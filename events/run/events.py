"""What can happen to a run. The names in the log are in codec.py."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from events.files import FileRef
from events.run.output import Output
from events.run.status import Status


class RunError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a run did not succeed, for people and for programs."""

    code: Annotated[str, Meta(description="Stable, documented in docs/errors.md.")]

    message: str
    node_id: str = ""
    node_class: str = ""
    input_name: str = ""
    exception: Annotated[str, Meta(description="Class of the exception that the node raised.")] = ""


class RunTarget(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run is a run of: all that its deployment decides.

    It is kept with the run, so that it outlives promotions.
    """

    workflow_id: UUID
    version_id: UUID
    version: int
    deployment_id: UUID
    environment: str
    machine_id: UUID
    graph_key: str
    ui_graph_key: str | None
    workflow_name: str = ""


class RunCreated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run was accepted."""

    run_id: UUID
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
    """Whether values are kept beside the log; they are private, so they are not in it."""

    request_hash: str
    """Hash of the request: the same key with another hash is another request."""

    origin: str
    at: datetime
    batch_id: UUID | None = None
    """The batch it was made with."""

    batch_index: int | None = None
    """Its place in the batch, from 0."""

    rerun_of: UUID | None = None
    """The run that it repeats."""

    workflow_name: str = ""


class ImageUploaded(Struct, frozen=True, kw_only=True):
    """An image of the run is in object storage."""

    role: str
    """input or output."""

    name: str
    """The input's name, or the file's name below the run's folder."""

    key: str
    media_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    upload_duration: float
    """Seconds."""

    attempt: int
    """0 for an input."""

    index: int
    """Which output of the attempt; -1 for an input."""

    at: datetime

    @property
    def file(self) -> FileRef:
        """The stored file."""
        return FileRef(
            key=self.key,
            media_type=self.media_type,
            bytes=self.bytes,
            sha256=self.sha256,
            width=self.width,
            height=self.height,
        )


class FileUploaded(Struct, frozen=True, kw_only=True):
    """An output that is no image is in object storage."""

    name: str
    key: str
    media_type: str
    bytes: int
    sha256: str
    upload_duration: float
    attempt: int
    index: int
    at: datetime

    @property
    def file(self) -> FileRef:
        """The stored file."""
        return FileRef(
            key=self.key,
            media_type=self.media_type,
            bytes=self.bytes,
            sha256=self.sha256,
        )


Uploaded = ImageUploaded | FileUploaded


def input_uploaded(
    file: FileRef, *, name: str, upload_duration: float, at: datetime
) -> ImageUploaded:
    """Return the event that the image of input *name* is stored."""
    return ImageUploaded(
        role="input",
        name=name,
        key=file.key,
        media_type=file.media_type,
        bytes=file.bytes,
        sha256=file.sha256,
        width=file.width,
        height=file.height,
        upload_duration=upload_duration,
        attempt=0,
        index=-1,
        at=at,
    )


def output_uploaded(
    file: FileRef, output: Output, *, attempt: int, upload_duration: float, at: datetime
) -> Uploaded:
    """Return the event that an output of the attempt is stored, in the form of its media type."""
    if not file.media_type.startswith("image/"):
        return FileUploaded(
            name=output.name,
            key=file.key,
            media_type=file.media_type,
            bytes=file.bytes,
            sha256=file.sha256,
            upload_duration=upload_duration,
            attempt=attempt,
            index=output.index,
            at=at,
        )
    return ImageUploaded(
        role="output",
        name=output.name,
        key=file.key,
        media_type=file.media_type,
        bytes=file.bytes,
        sha256=file.sha256,
        width=file.width,
        height=file.height,
        upload_duration=upload_duration,
        attempt=attempt,
        index=output.index,
        at=at,
    )


class Ending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run took (events/run/times.py), and the names that it had."""

    wait_seconds: float
    render_seconds: float
    gpu_seconds: float
    total_seconds: float
    environment: str
    workflow_name: str = ""
    machine_name: str = ""
    began_at: datetime | None = None
    """When a machine first began to render it; None: none did."""


class StatusChanged(Struct, frozen=True, kw_only=True):
    """The run has another status."""

    status: Status
    reason: str
    attempt: int
    machine_id: UUID | None
    at: datetime
    error: RunError | None = None
    ending: Ending | UnsetType = UNSET
    """On the end of the run; endings of old have none."""


class RunClaimed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker has taken the run for a machine. Recorded before the machine is called."""

    attempt: int
    machine_id: UUID
    prompt_id: UUID
    fence: int
    """Grows with every claim; a worker with an older one has lost the run."""

    worker: str
    at: datetime
    reason: str = "deployment"
    """Why there: deployment (it names the machine), retry (after an attempt was lost) or
    takeover (the worker that had it is gone, or the machine was not there to take it)."""

    machine_name: str = ""
    """As the machine was called then."""


class RunWaiting(Struct, frozen=True, kw_only=True):
    """The run cannot go on for the time being. Nothing is wrong with it."""

    reason: str
    """A WaitingReason; empty: the wait is over."""

    detail: str
    """The words of whatever does not answer."""

    machine_id: UUID | None
    at: datetime


class NodeTime(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long one node of the graph took, as far as it was heard."""

    node_id: str
    class_type: str
    title: str = ""
    seconds: float = 0.0
    cached: bool = False
    """Whether an earlier result was used again."""


class OutputsProduced(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The machine rendered everything; this is what it left behind."""

    attempt: int
    outputs: tuple[Output, ...]
    at: datetime
    nodes: tuple[NodeTime, ...] = ()
    """A hint: nodes that ran while no worker listened are missing."""

    render_seconds: float | None = None
    """From the begin to the end by the machine's own clock; None: it does not say."""


class AttemptFailed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The graph failed on the machine; another attempt would fail too."""

    attempt: int
    error: RunError
    at: datetime
    nodes: tuple[NodeTime, ...] = ()
    render_seconds: float | None = None
    """Both as with OutputsProduced."""


class AttemptLost(Struct, frozen=True, kw_only=True):
    """The machine lost the attempt, by no fault of the graph."""

    attempt: int
    reason: str
    at: datetime


class RetryScheduled(Struct, frozen=True, kw_only=True):
    """The run will be tried again."""

    attempt: int
    """The attempt to come."""

    due: datetime
    at: datetime


class CancelRequested(Struct, frozen=True, kw_only=True):
    """Someone asked to stop the run."""

    by: str
    at: datetime


class RunDataErased(Struct, frozen=True, kw_only=True):
    """The run's private data may not be seen any more; a worker deletes it."""

    reason: str
    """request or retention."""

    by: str
    at: datetime


class RunDataDeleted(Struct, frozen=True, kw_only=True):
    """The private data of an erased run is gone from every store but the log."""

    at: datetime


class RunInputsErased(Struct, frozen=True, kw_only=True):
    """What went into the ended run may not be seen any more; its outputs stay."""

    due: datetime
    """From when a worker deletes it."""

    by: str
    at: datetime


class RunInputsDeleted(Struct, frozen=True, kw_only=True):
    """The erased inputs are gone from every store but the log."""

    at: datetime


RunEvent = (
    RunCreated
    | ImageUploaded
    | FileUploaded
    | StatusChanged
    | RunClaimed
    | RunWaiting
    | OutputsProduced
    | AttemptFailed
    | AttemptLost
    | RetryScheduled
    | CancelRequested
    | RunDataErased
    | RunDataDeleted
    | RunInputsErased
    | RunInputsDeleted
)
