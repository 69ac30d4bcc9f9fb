"""How a run is shown in the classic dialect: its words, its progress, its outputs.

The dialect's clients know five words for a status and wait for `success` or `failed`, so every
other end is shown to them as `failed`, with the reason in `error`.
"""

from datetime import UTC, datetime
from typing import Any, TypedDict

from app.reads.runs.thumbnails import thumbnail_of
from events.files import shown_subfolder
from events.run.output import Output
from events.run.progress import Progress
from events.run.state import Run
from events.run.status import Status
from infra.s3.urls import public_url
from infra.settings.settings import Spaces


class ClassicProgress(TypedDict):
    """How far a run is."""

    current: int
    total: int
    message: str


class ClassicStatus(TypedDict):
    """The status of a run."""

    id: str
    status: str
    started_at: str | None
    ended_at: str | None
    duration: float | None
    outputs: list[dict[str, Any]]
    images: list[dict[str, Any]]
    error: str | None
    progress: ClassicProgress
    live_status: str | None


class ClassicRun(TypedDict):
    """A run as a row."""

    id: str
    workflow_version_id: str
    workflow_inputs: None
    workflow_id: str
    machine_id: str
    origin: str
    status: str
    live_status: str | None
    progress: float
    ended_at: str | None
    created_at: str | None
    started_at: str | None
    workflow: dict[str, str | None]
    outputs: list[dict[str, Any]]


WORDS: dict[Status, str] = {
    Status.NOT_STARTED: "not-started",
    Status.QUEUED: "not-started",
    Status.STARTED: "not-started",
    Status.RUNNING: "running",
    Status.UPLOADING: "uploading",
    Status.SUCCESS: "success",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
    Status.TIMEOUT: "failed",
}

_PROGRESS: dict[str, tuple[int, str]] = {
    "not-started": (0, "Waiting to start"),
    "running": (50, "Generating image"),
    "uploading": (75, "Uploading results"),
    "success": (100, "Generation completed"),
    "failed": (0, "Generation failed"),
}

UPLOADING_AT = 75
"""Where the dialect's progress bar stands when uploading begins; rendering ends below it."""


def timestamp(moment: datetime | None) -> str | None:
    """Write a time as JavaScript does."""
    if moment is None:
        return None
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    )


def status_view(run: Run, progress: Progress | None, spaces: Spaces) -> ClassicStatus:
    """Show the answer of GET /api/status/{run_id}."""
    ended = run.ended_at
    began = run.started_at or run.created_at
    return {
        "id": str(run.id),
        "status": WORDS[run.status],
        "started_at": timestamp(run.started_at),
        "ended_at": timestamp(ended),
        "duration": (ended - began).total_seconds() if ended else None,
        "outputs": outputs_view(run, spaces),
        "images": images_view(run, spaces),
        "error": error_text(run),
        "progress": progress_view(run, progress),
        "live_status": live_status(run, progress),
    }


def run_row(run: Run, progress: Progress | None, spaces: Spaces) -> ClassicRun:
    """Show the answer of GET /api/run?run_id=."""
    outputs = outputs_view(run, spaces)
    return {
        "id": str(run.id),
        "workflow_version_id": str(run.version_id),
        "workflow_inputs": None,
        "workflow_id": str(run.workflow_id),
        "machine_id": str(run.machine_id),
        "origin": run.origin,
        "status": WORDS[run.status],
        "live_status": live_status(run, progress),
        "progress": fraction(run, progress),
        "ended_at": timestamp(run.ended_at),
        "created_at": timestamp(run.created_at),
        "started_at": timestamp(run.started_at),
        "workflow": {"org_id": run.org_id, "user_id": run.user_id},
        "outputs": [
            {"data": {k: v for k, v in output.items() if k != "created_at"}} for output in outputs
        ],
    }


def outputs_view(run: Run, spaces: Spaces) -> list[dict[str, Any]]:
    """Show what each node made, one entry a node; files once they can be fetched."""
    nodes: dict[str, dict[str, Any]] = {}
    for output in run.outputs:
        upload = run.uploads.get(output.index)
        item = _file(run, output, spaces) if output.is_file else output.text
        if output.is_file and item is None:
            continue
        node = nodes.setdefault(output.node_id, {})
        node.setdefault(output.kind, []).append(item)
        node["created_at"] = timestamp(upload.at if upload else run.updated_at)
    return list(nodes.values())


def images_view(run: Run, spaces: Spaces) -> list[dict[str, Any]]:
    """Show all images of a run with small ones of them; of one that gets none, itself."""
    images = []
    for output in run.outputs:
        upload = run.uploads.get(output.index)
        item = _file(run, output, spaces)
        if output.kind != "images" or upload is None or item is None:
            continue
        small = thumbnail_of(run, upload)
        images.append(
            {**item, "thumbnail_url": public_url(spaces, small) if small else item["url"]}
        )
    return images


def _file(run: Run, output: Output, spaces: Spaces) -> dict[str, Any] | None:
    """Show a stored file; None: it cannot be fetched, not yet or not any more."""
    upload = run.uploads.get(output.index)
    # A file that is erased has no key any more.
    if upload is None or not upload.key or run.prompt_id is None:
        return None
    return {
        "url": public_url(spaces, upload.key),
        "type": output.folder,
        "filename": output.name,
        "subfolder": shown_subfolder(output.subfolder, run.prompt_id),
        "upload_duration": upload.upload_duration,
    }


def progress_view(run: Run, progress: Progress | None) -> ClassicProgress:
    """Show how far the run is, from 0 to 100."""
    word = WORDS[run.status]
    current, message = _PROGRESS[word]
    if run.status is Status.RUNNING and progress is not None:
        # From where it stands without a word of the machine's: its first is no step back.
        current += progress.percent * (UPLOADING_AT - 1 - current) // 100
        message = progress.message
    return {"current": current, "total": 100, "message": message}


def live_status(run: Run, progress: Progress | None) -> str | None:
    """Return what the machine does now, in the words of the dialect's plugin."""
    if run.status is not Status.RUNNING or progress is None:
        return None
    return f"Executing {progress.node_class}" if progress.node_class else progress.message


def fraction(run: Run, progress: Progress | None) -> float:
    """Return how much is rendered, from 0 to 1, as the dialect's clients read it."""
    if run.status in {Status.UPLOADING, Status.SUCCESS}:
        return 1.0
    if run.status is Status.RUNNING and progress is not None:
        return progress.percent / 100
    return 0.0


def error_text(run: Run) -> str | None:
    """Return why a run did not succeed."""
    if run.status is Status.CANCELLED:
        return "cancelled"
    # Of an erased run the message is gone; the code stays.
    return (run.error.message or run.error.code) if run.error else None
