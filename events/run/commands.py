"""Commands to a run, and reports about it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.run.events import FileUploaded, ImageUploaded, NodeTime, RunCreated, RunError
from events.run.output import Output
from events.run.status import Status


class CreateRun(Struct, frozen=True, kw_only=True):
    """Accept a run, with the input images that are already stored."""

    created: RunCreated
    images: tuple[ImageUploaded, ...] = ()


class ClaimRun(Struct, frozen=True, kw_only=True):
    """Take the run for a machine; also takes it over from a worker that is gone."""

    machine_id: UUID
    worker: str
    now: datetime
    machine_name: str = ""
    fence: int | None = None
    """Of the last claim that was seen: a later claim takes the run over."""


class ReportStatus(Struct, frozen=True, kw_only=True):
    """Report the status of the work on the machine: started or running."""

    fence: int
    status: Status
    now: datetime


class NoteWaiting(Struct, frozen=True, kw_only=True):
    """Record why the run waits; without a reason: that it waits no longer."""

    reason: str
    now: datetime
    detail: str = ""
    machine_id: UUID | None = None
    fence: int | None = None
    """Of the reporter's claim; a report from a worker that has lost the run does not count."""


class RecordInputImage(Struct, frozen=True, kw_only=True):
    """Record that an input image is stored."""

    image: ImageUploaded


class RecordOutputs(Struct, frozen=True, kw_only=True):
    """Record what the machine rendered."""

    attempt: int
    outputs: tuple[Output, ...]
    now: datetime
    nodes: tuple[NodeTime, ...] = ()
    render_seconds: float | None = None


class RecordUpload(Struct, frozen=True, kw_only=True):
    """Record that one output is stored."""

    upload: ImageUploaded | FileUploaded


class SettleRun(Struct, frozen=True, kw_only=True):
    """End the run with success if everything is stored."""

    now: datetime


class LoseAttempt(Struct, frozen=True, kw_only=True):
    """Record that the machine lost an attempt."""

    attempt: int
    reason: str
    now: datetime


class FailRun(Struct, frozen=True, kw_only=True):
    """End the run as failed. Without an attempt: no machine got it."""

    error: RunError
    now: datetime
    attempt: int | None = None
    nodes: tuple[NodeTime, ...] = ()
    render_seconds: float | None = None


class TimeOutRun(Struct, frozen=True, kw_only=True):
    """End the run because an attempt took too long."""

    attempt: int
    error: RunError
    now: datetime


class RequestCancel(Struct, frozen=True, kw_only=True):
    """Ask to stop the run."""

    by: str
    now: datetime


class ConfirmCancel(Struct, frozen=True, kw_only=True):
    """Record that the machine has stopped the run."""

    now: datetime


class EraseRun(Struct, frozen=True, kw_only=True):
    """Have the private data of an ended run erased; its numbers stay."""

    reason: str
    """request or retention."""

    by: str
    now: datetime


class RecordDataDeleted(Struct, frozen=True, kw_only=True):
    """Record that the private data of an erased run is deleted."""

    now: datetime


class EraseInputs(Struct, frozen=True, kw_only=True):
    """Have what went into an ended run erased; what it made stays."""

    due: datetime
    """From when it may be deleted."""

    by: str
    now: datetime


class RecordInputsDeleted(Struct, frozen=True, kw_only=True):
    """Record that the erased inputs of a run are deleted."""

    now: datetime


Erasure = EraseRun | RecordDataDeleted | EraseInputs | RecordInputsDeleted
"""What concerns a run after its end."""

OpenRunCommand = (
    CreateRun
    | ClaimRun
    | ReportStatus
    | NoteWaiting
    | RecordInputImage
    | RecordOutputs
    | RecordUpload
    | SettleRun
    | LoseAttempt
    | FailRun
    | TimeOutRun
    | RequestCancel
    | ConfirmCancel
)
"""What concerns a run until it has ended."""

RunCommand = OpenRunCommand | Erasure
