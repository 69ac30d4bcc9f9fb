"""/v1/runs/{run_id}/timeline: what became of a run, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct

from app.api.requests import identifier
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.reads.runs.runs import RunReads
from app.reads.runs.timeline_texts import event_text, waiting_text
from events.envelope import AnyRecorded
from events.run.events import NodeTime
from events.run.redaction import redact
from events.run.timeline import Phase, Placement, Retry, StoredFile, timeline
from events.run.waiting import Waiting


class WaitingView(Struct, frozen=True, kw_only=True):
    """What a run waits for."""

    reason: Annotated[
        str,
        Meta(
            description="machine_queue, comfyui_queue, machine_unreachable, storage_unavailable, "
            "machine_draining, machine_disabled or retry_due."
        ),
    ]

    since: datetime
    machine_id: UUID | None
    detail: Annotated[
        str,
        Meta(description="The same in a sentence, with the words of whatever does not answer."),
    ]


class NodeTimeView(Struct, frozen=True, kw_only=True):
    """How long a node took."""

    node_id: str
    class_type: str
    title: str
    seconds: float
    cached: Annotated[bool, Meta(description="Whether an earlier result was used again.")]


class EntryView(Struct, frozen=True, kw_only=True):
    """One thing that happened, in words."""

    at: datetime
    what: str
    why: str
    position: str


class TimelineView(Struct, frozen=True, kw_only=True):
    """What became of a run, and why."""

    run_id: UUID
    status: str
    waiting: WaitingView | None
    phases: list[Phase]
    placements: list[Placement]
    nodes: Annotated[
        list[NodeTimeView],
        Meta(description="How long each node of the last attempt took, as far as it was heard."),
    ]

    retries: list[Retry]
    uploads: list[StoredFile]
    entries: list[EntryView]


@get(
    "/v1/runs/{run_id:str}/timeline",
    operation_id="getRunTimeline",
    opt=needs(RUNS_READ, per_deployment=True),
)
async def read(
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
    language: NamedDependency[str],
) -> TimelineView:
    """Read what became of a run and why: waits, places, times of nodes, retries, uploads."""
    past = await run_reads.events(caller, identifier(run_id))
    return timeline_view(redact(past), language)


def timeline_view(recorded: Sequence[AnyRecorded], language: str) -> TimelineView:
    """Show the timeline of the run with these facts."""
    found = timeline(recorded)
    return TimelineView(
        run_id=found.run_id,
        status=found.status,
        waiting=_waiting(found.waiting, language) if found.waiting else None,
        phases=found.phases,
        placements=found.placements,
        nodes=[_node(node) for node in found.nodes],
        retries=found.retries,
        uploads=found.uploads,
        entries=[_entry(entry, language) for entry in recorded],
    )


def _waiting(waiting: Waiting, language: str) -> WaitingView:
    return WaitingView(
        reason=waiting.reason,
        since=waiting.since,
        machine_id=waiting.machine_id,
        detail=waiting_text(waiting, language),
    )


def _node(node: NodeTime) -> NodeTimeView:
    return NodeTimeView(
        node_id=node.node_id,
        class_type=node.class_type,
        title=node.title,
        seconds=node.seconds,
        cached=node.cached,
    )


def _entry(entry: AnyRecorded, language: str) -> EntryView:
    what, why = event_text(entry.event, language)
    return EntryView(at=entry.event.at, what=what, why=why, position=str(entry.position))


ROUTES = [read]
