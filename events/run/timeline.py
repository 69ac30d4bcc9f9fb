"""What became of a run and why, derived from its facts (pure)."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from events.envelope import AnyRecorded
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    FileUploaded,
    ImageUploaded,
    NodeTime,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
)
from events.run.evolve import evolve
from events.run.state import Run
from events.run.status import TERMINAL, Status
from events.run.waiting import Waiting, WaitingReason


class Phase(Struct, frozen=True, kw_only=True):
    """A stretch of time in which the run had one status."""

    name: Annotated[str, Meta(description="The status.")]

    started_at: datetime
    ended_at: Annotated[datetime | None, Meta(description="None while it lasts.")]

    seconds: float | None


class Placement(Struct, frozen=True, kw_only=True):
    """A claim: where the run went, and why there."""

    attempt: int
    machine_id: UUID
    reason: Annotated[str, Meta(description="deployment, retry or takeover.")]

    at: datetime


class Retry(Struct, frozen=True, kw_only=True):
    """An attempt that was lost."""

    attempt: int
    reason: str
    at: datetime
    due: Annotated[
        datetime | None,
        Meta(description="When the next attempt may begin; None when there is none."),
    ]


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file that was brought to object storage."""

    role: Annotated[str, Meta(description="input or output.")]

    name: str
    media_type: str
    bytes: int
    seconds: float
    at: datetime


class Timeline(Struct, frozen=True, kw_only=True):
    """What became of a run and why."""

    run_id: UUID
    status: str
    waiting: Waiting | None
    """What it waits for now."""

    phases: list[Phase]
    placements: list[Placement]
    nodes: tuple[NodeTime, ...]
    """How long each node of the last attempt took, as far as it was heard."""

    retries: list[Retry]
    uploads: list[StoredFile]


def timeline(recorded: Sequence[AnyRecorded]) -> Timeline:
    """Return the timeline of the run with these events; there is at least the first."""
    events = [entry.event for entry in recorded]
    run = reduce(evolve, events, None)
    assert run is not None  # there are facts
    return Timeline(
        run_id=run.id,
        status=run.status,
        waiting=_waiting(run, recorded),
        phases=_phases(recorded),
        placements=[
            Placement(attempt=e.attempt, machine_id=e.machine_id, reason=e.reason, at=e.at)
            for e in events
            if isinstance(e, RunClaimed)
        ],
        nodes=_nodes(events, run.attempt),
        retries=_retries(events),
        uploads=[_stored(e) for e in events if isinstance(e, ImageUploaded | FileUploaded)],
    )


def _waiting(run: Run, recorded: Sequence[AnyRecorded]) -> Waiting | None:
    """Return what the run waits for, and since when."""
    if run.ended or run.waiting is not None:
        return run.waiting
    match run.waits_for:
        case WaitingReason.COMFYUI_QUEUE:
            since = min(entry.event.at for entry in recorded if entry.status == Status.STARTED)
            return _wait(run, WaitingReason.COMFYUI_QUEUE, since)
        case WaitingReason.RETRY_DUE:
            assert run.retry_due is not None  # that is what it waits for
            due = run.retry_due.isoformat(timespec="seconds")
            since = max(e.event.at for e in recorded if isinstance(e.event, RetryScheduled))
            return _wait(run, WaitingReason.RETRY_DUE, since, due)
        case WaitingReason.MACHINE_QUEUE:
            return _wait(run, WaitingReason.MACHINE_QUEUE, run.created_at)
        case _:
            return None


def _wait(run: Run, reason: WaitingReason, since: datetime, detail: str = "") -> Waiting:
    return Waiting(reason=reason, detail=detail, machine_id=run.machine_id, since=since)


def _phases(recorded: Sequence[AnyRecorded]) -> list[Phase]:
    begun: list[tuple[str, datetime]] = []
    for entry in recorded:
        if not begun or entry.status != begun[-1][0]:
            begun.append((entry.status, entry.event.at))
    ends: list[datetime | None] = [at for _, at in begun[1:]]
    return [
        _phase(name, start, end)
        for (name, start), end in zip(begun, [*ends, None], strict=True)
        if name not in TERMINAL
    ]


def _phase(name: str, start: datetime, end: datetime | None) -> Phase:
    seconds = None if end is None else max((end - start).total_seconds(), 0.0)
    return Phase(name=name, started_at=start, ended_at=end, seconds=seconds)


def _nodes(events: Sequence[object], attempt: int) -> tuple[NodeTime, ...]:
    for event in reversed(events):
        if isinstance(event, OutputsProduced | AttemptFailed) and event.attempt == attempt:
            return event.nodes
    return ()


def _retries(events: Sequence[object]) -> list[Retry]:
    due = {e.attempt - 1: e.due for e in events if isinstance(e, RetryScheduled)}
    return [
        Retry(attempt=e.attempt, reason=e.reason, at=e.at, due=due.get(e.attempt))
        for e in events
        if isinstance(e, AttemptLost)
    ]


def _stored(event: ImageUploaded | FileUploaded) -> StoredFile:
    return StoredFile(
        role=event.role if isinstance(event, ImageUploaded) else "output",
        name=event.name,
        media_type=event.media_type,
        bytes=event.bytes,
        seconds=event.upload_duration,
        at=event.at,
    )
