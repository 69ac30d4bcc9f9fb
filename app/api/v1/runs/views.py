"""How runs, their outputs and their input images are shown."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from app.reads.runs.thumbnails import thumbnail_of
from events.run.events import Ending, RunError
from events.run.output import Output
from events.run.progress import Progress
from events.run.state import Run, Upload
from infra.s3.urls import public_url
from infra.settings.settings import Spaces


class OutputView(Struct, frozen=True, kw_only=True):
    """A file or text that a run made."""

    kind: str
    node_id: str
    filename: str | None = None
    url: Annotated[str | None, Meta(description="None until it is stored.")] = None
    thumbnail_url: Annotated[
        str | None,
        Meta(
            description="A WebP of an image, at most 384 pixels wide and high; of what moves, the "
            "first frame. It is made within seconds after the run has ended: until then, and for "
            "a damaged image, the address answers 403 or 404. None for what has no thumbnail."
        ),
    ] = None

    text: str | None = None
    length: Annotated[int | None, Meta(description="Characters of the text.")] = None

    omitted: Annotated[
        int | None,
        Meta(
            description="Characters of the text that were cut off its end: "
            "more than 16,384 are not kept."
        ),
    ] = None

    media_type: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    upload_duration: float | None = None


class InputImageView(Struct, frozen=True, kw_only=True):
    """An input image as it was stored."""

    url: Annotated[str | None, Meta(description="None once the run is erased.")]

    media_type: str
    width: int | None
    height: int | None


class RunSeconds(Struct, frozen=True, kw_only=True):
    """What a run took, in seconds; docs/analyse-runs.md defines each."""

    wait: Annotated[float, Meta(description="Until a machine first began to render it.")]

    render: Annotated[float, Meta(description="Of its last attempt, on the machine.")]

    gpu: Annotated[float, Meta(description="Of all attempts, on their machines.")]

    total: Annotated[float, Meta(description="From its acceptance to its end.")]


class RunLinks(Struct, frozen=True, kw_only=True):
    """Where to go from a run."""

    self: str
    events: str
    timeline: str
    cancel: str


class RunView(Struct, frozen=True, kw_only=True):
    """A run."""

    id: UUID
    status: str
    position: Annotated[
        str,
        Meta(
            description="How new this answer is; later answers are never older. Opaque, but "
            "ordered."
        ),
    ]

    workflow_id: UUID
    version_id: UUID
    version: int
    deployment_id: UUID
    environment: str
    machine_id: UUID
    attempt: int
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration: Annotated[
        float | None,
        Meta(description="Seconds from the start of rendering to the end; None until then."),
    ]

    seconds: Annotated[
        RunSeconds | None,
        Meta(
            description="None until it has ended, and for runs that ended before comfyd recorded "
            "it."
        ),
    ]

    outputs: list[OutputView]
    input_images: dict[str, InputImageView]
    error: RunError | None
    progress: Progress | None
    batch_id: UUID | None
    batch_index: Annotated[int | None, Meta(description="Its place in the batch, from 0.")]

    rerun_of: Annotated[UUID | None, Meta(description="The run that it repeats.")]

    erased_at: Annotated[
        datetime | None,
        Meta(description="Since when its private data is not shown any more."),
    ]

    erasure: Annotated[
        str | None,
        Meta(
            description="requested, or done when the last of its private data is deleted; None "
            "while it is kept."
        ),
    ]

    links: RunLinks


def run_view(run: Run, position: int, spaces: Spaces, progress: Progress | None = None) -> RunView:
    """Show a run."""
    base = f"/v1/runs/{run.id}"
    return RunView(
        id=run.id,
        status=run.status,
        position=str(position),
        workflow_id=run.workflow_id,
        version_id=run.version_id,
        version=run.version,
        deployment_id=run.deployment_id,
        environment=run.environment,
        machine_id=run.machine_id,
        attempt=run.attempt,
        cancel_requested=run.cancel_requested,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        duration=_duration(run),
        seconds=_seconds(run.ending) if run.ending else None,
        outputs=[_output_view(run, output, spaces) for output in run.outputs],
        input_images={n: _input_image(u, spaces) for n, u in run.inputs.items()},
        error=run.error,
        progress=progress,
        batch_id=run.batch_id,
        batch_index=run.batch_index,
        rerun_of=run.rerun_of,
        erased_at=run.erased_at,
        erasure=_erasure(run),
        links=RunLinks(
            self=base,
            events=f"{base}/events",
            timeline=f"{base}/timeline",
            cancel=f"{base}/cancel",
        ),
    )


def _duration(run: Run) -> float | None:
    if run.started_at is None or run.ended_at is None:
        return None
    return (run.ended_at - run.started_at).total_seconds()


def _seconds(ending: Ending) -> RunSeconds:
    return RunSeconds(
        wait=ending.wait_seconds,
        render=ending.render_seconds,
        gpu=ending.gpu_seconds,
        total=ending.total_seconds,
    )


def _erasure(run: Run) -> str | None:
    if run.erased_at is None:
        return None
    return "done" if run.deleted_at else "requested"


def _output_view(run: Run, output: Output, spaces: Spaces) -> OutputView:
    upload = run.uploads.get(output.index)
    if upload is None:
        return OutputView(
            kind=output.kind,
            node_id=output.node_id,
            filename=output.name or None,
            text=output.text,
            length=None if output.is_file else output.characters,
            omitted=None if output.is_file else output.omitted or 0,
        )
    return OutputView(
        kind=output.kind,
        node_id=output.node_id,
        filename=output.name or None,
        url=stored_url(spaces, upload.key),
        thumbnail_url=stored_url(spaces, thumbnail_of(run, upload)),
        media_type=upload.media_type,
        bytes=upload.bytes,
        sha256=upload.sha256 or None,
        width=upload.width,
        height=upload.height,
        upload_duration=upload.upload_duration,
    )


def stored_url(spaces: Spaces, key: str | None) -> str | None:
    """Return the address of a stored file; None where there is none, or none any more."""
    return public_url(spaces, key) if key else None


def _input_image(upload: Upload, spaces: Spaces) -> InputImageView:
    return InputImageView(
        url=stored_url(spaces, upload.key),
        media_type=upload.media_type,
        width=upload.width,
        height=upload.height,
    )
