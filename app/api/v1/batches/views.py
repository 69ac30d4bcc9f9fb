"""The shapes of batches in the native API, and their messages in a stream."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from app.live.batch_stream import BatchPiece
from app.live.frames import BEAT, message
from app.reads.runs.batch_status import BatchStatus
from events.batch import RunFilter

_encode = msgspec.json.Encoder().encode


class BatchLinks(Struct, frozen=True, kw_only=True):
    """Where to go from a batch."""

    self: str
    runs: str
    events: str
    cancel: str


class BatchView(Struct, frozen=True, kw_only=True):
    """A batch: many runs under one id."""

    id: UUID
    status: Annotated[str, Meta(description="open, or done when every run has ended.")]

    position: Annotated[
        str,
        Meta(
            description="How new this answer is; later answers are never older. Opaque, but "
            "ordered."
        ),
    ]

    total: int
    counts: Annotated[Mapping[str, int], Meta(description="Runs by status.")]

    deployment_id: Annotated[
        UUID | None,
        Meta(description="Whose runs they are; null when they are of several."),
    ]

    rerun: Annotated[RunFilter | None, Meta(description="Which runs it repeats.")]

    cancel_requested: bool
    created_at: datetime
    ended_at: Annotated[datetime | None, Meta(description="When the last run ended.")]

    runs_url: str
    links: BatchLinks


class SkippedView(Struct, frozen=True, kw_only=True):
    """A run that fits the filter and cannot be repeated."""

    run_id: UUID
    code: str
    detail: str


class AcceptedBatchView(BatchView, frozen=True, kw_only=True):
    """A batch that will not be lost."""

    runs: Annotated[list[UUID], Meta(description="Its runs, in the order of their inputs.")]

    skipped: Annotated[
        list[SkippedView],
        Meta(description="Runs that were to be repeated, and why they are not."),
    ] = []


def batch_view(status: BatchStatus) -> BatchView:
    """Show the status of a batch."""
    batch = status.batch
    base = f"/v1/batches/{batch.id}"
    return BatchView(
        id=batch.id,
        status="done" if status.done else "open",
        position=str(status.position),
        total=batch.total,
        counts=status.counts,
        deployment_id=batch.deployments[0] if len(batch.deployments) == 1 else None,
        rerun=batch.rerun,
        cancel_requested=batch.cancelled_by is not None,
        created_at=batch.created_at,
        ended_at=status.ended_at,
        runs_url=f"{base}/runs",
        links=BatchLinks(
            self=base, runs=f"{base}/runs", events=f"{base}/events", cancel=f"{base}/cancel"
        ),
    )


def accepted_view(status: BatchStatus, skipped: Sequence[SkippedView] = ()) -> AcceptedBatchView:
    """Show a batch that was accepted."""
    shown = msgspec.structs.asdict(batch_view(status))
    return AcceptedBatchView(**shown, runs=status.batch.run_ids, skipped=list(skipped))


def snapshot_message(status: BatchStatus) -> bytes:
    """Encode how a batch stands where its stream begins."""
    data = message("snapshot", _encode(batch_view(status)), position=status.position)
    return data + _done_message(status) if status.done else data


def piece_messages(piece: BatchPiece) -> bytes:
    """Encode what is to be sent now."""
    messages = [frame.data for frame in piece.frames]
    if piece.counts is not None:
        messages.append(message("batch", _encode(batch_view(piece.counts))))
        if piece.counts.done:
            messages.append(_done_message(piece.counts))
    return b"".join(messages) or BEAT


def _done_message(status: BatchStatus) -> bytes:
    body = {
        "batch_id": status.batch.id,
        "status": "done",
        "position": str(status.position),
        "counts": status.counts,
    }
    return message("done", _encode(body), position=status.position)
