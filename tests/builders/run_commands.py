"""Builds commands to a run, and the facts that they lead to."""

from datetime import datetime

from msgspec import UNSET

from events.run.commands import (
    ClaimRun,
    FailRun,
    LoseAttempt,
    RecordOutputs,
    ReportStatus,
    TimeOutRun,
)
from events.run.events import (
    AttemptLost,
    CancelRequested,
    Ending,
    ImageUploaded,
    RunError,
    StatusChanged,
)
from events.run.output import Output
from events.run.status import TERMINAL, Status
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
)

ERROR = RunError(code="node_failed", message="it broke")
LOST = AttemptLost(attempt=1, reason="gone", at=NOW)
CANCEL = CancelRequested(by="ada", at=NOW)
CLAIM = ClaimRun(machine_id=MACHINE_ID, worker="test", now=NOW)


def changed(
    status: Status,
    reason: str,
    *,
    attempt: int = 1,
    error: RunError | None = None,
    at: datetime = NOW,
    began: bool = False,
) -> StatusChanged:
    """Return a change of status, with the ending of a run that ends."""
    ending = Ending(
        wait_seconds=0,
        render_seconds=0,
        gpu_seconds=0,
        total_seconds=0,
        environment="production",
        began_at=NOW if began else None,
    )
    return StatusChanged(
        status=status,
        reason=reason,
        attempt=attempt,
        machine_id=MACHINE_ID if attempt else None,
        at=at,
        error=error,
        ending=ending if status in TERMINAL else UNSET,
    )


def cancelled(attempt: int = 1, *, began: bool = False) -> StatusChanged:
    """Return the end of a cancelled run."""
    return changed(Status.CANCELLED, "cancelled", attempt=attempt, began=began)


def input_image(name: str = "image") -> ImageUploaded:
    """Return an image that came with the request."""
    return ImageUploaded(
        role="input",
        name=name,
        key=f"inputs/{name}.png",
        media_type="image/png",
        bytes=1,
        sha256="0" * 64,
        width=1,
        height=1,
        upload_duration=0.1,
        attempt=0,
        index=-1,
        at=NOW,
    )


def lose(attempt: int = 1) -> LoseAttempt:
    """Return the report that an attempt is lost."""
    return LoseAttempt(attempt=attempt, reason="gone", now=NOW)


def fail(attempt: int | None = 1) -> FailRun:
    """Return the report that a run failed."""
    return FailRun(error=ERROR, now=NOW, attempt=attempt)


def time_out(attempt: int = 1) -> TimeOutRun:
    """Return the report that an attempt took too long."""
    return TimeOutRun(attempt=attempt, error=ERROR, now=NOW)


def report(status: Status, fence: int = 1) -> ReportStatus:
    """Return a report of what the machine does."""
    return ReportStatus(fence=fence, status=status, now=NOW)


def record(*outputs: Output, attempt: int = 1) -> RecordOutputs:
    """Return the report of what an attempt made."""
    return RecordOutputs(attempt=attempt, outputs=outputs, now=NOW)
