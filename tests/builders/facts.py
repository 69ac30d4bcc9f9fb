"""Builds facts and circumstances with sensible defaults, so that a test names what matters."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from events.aggregates import RUN
from events.codec import type_name_of
from events.envelope import AnyRecorded, Meta, Recorded
from events.ids import prompt_id
from events.run.events import ImageUploaded, OutputsProduced, RunClaimed, RunCreated, RunEvent
from events.run.output import Output
from events.workflow import PushVersion

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
RUN_ID = UUID("00000000-0000-4000-8000-000000000001")
MACHINE_ID = UUID("00000000-0000-4000-8000-000000000002")
OTHER_ID = UUID("00000000-0000-4000-8000-000000000003")
SEAL_KEY = "A" * 43 + "="
"""A key for machines' tokens."""


def later(seconds: float) -> datetime:
    """Return the moment that many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def meta(*, tenant: str = "user:ada", command_id: UUID | None = None) -> Meta:
    """Return the circumstances of a command."""
    return Meta(tenant=tenant, actor="test", command_id=command_id or uuid4())


def created(*, run_id: UUID = RUN_ID, request_hash: str = "hash", **changes: Any) -> RunCreated:
    """Return the birth of a run."""
    facts: dict[str, Any] = {
        "run_id": run_id,
        "user_id": "ada",
        "org_id": None,
        "workflow_id": OTHER_ID,
        "version_id": OTHER_ID,
        "version": 1,
        "deployment_id": OTHER_ID,
        "environment": "production",
        "machine_id": MACHINE_ID,
        "graph_key": "workflows/graph.json",
        "ui_graph_key": None,
        "has_inputs": False,
        "request_hash": request_hash,
        "origin": "api",
        "at": NOW,
    }
    return RunCreated(**(facts | changes))


def claimed(
    *, attempt: int = 1, fence: int = 1, run_id: UUID = RUN_ID, reason: str = "deployment"
) -> RunClaimed:
    """Return a claim."""
    return RunClaimed(
        attempt=attempt,
        machine_id=MACHINE_ID,
        prompt_id=prompt_id(run_id, attempt),
        fence=fence,
        worker="test",
        at=NOW,
        reason=reason,
    )


def image_output(index: int = 0, name: str = "a.png") -> Output:
    """Return an image that a node made."""
    return Output(index=index, node_id="9", kind="images", filename=name, name=name)


def produced(*outputs: Output, attempt: int = 1) -> OutputsProduced:
    """Return the end of a render."""
    return OutputsProduced(attempt=attempt, outputs=outputs, at=NOW)


def uploaded(index: int = 0, *, attempt: int = 1, name: str = "a.png") -> ImageUploaded:
    """Return a stored image."""
    return ImageUploaded(
        role="output",
        name=name,
        key=f"outputs/runs/{RUN_ID}/{name}",
        media_type="image/png",
        bytes=10,
        sha256="0" * 64,
        width=64,
        height=64,
        upload_duration=0.1,
        attempt=attempt,
        index=index,
        at=NOW,
    )


def pushed(sha256: str, *, workflow_id: UUID = OTHER_ID) -> PushVersion:
    """Return the command that pushes a graph."""
    return PushVersion(
        workflow_id=workflow_id,
        name="cats",
        user_id="ada",
        org_id=None,
        graph_key=f"workflows/{sha256}.json",
        graph_sha256=sha256,
        ui_graph_key=None,
        inputs=(),
        comment="why",
        author="user:ada",
        now=NOW,
    )


def draft(
    event: RunEvent, *, version: int, run_id: UUID = RUN_ID, event_id: UUID | None = None
) -> AnyRecorded:
    """Wrap a run's fact for the log."""
    return Recorded(
        aggregate=RUN.name(run_id),
        position=0,
        version=version,
        id=event_id or uuid4(),
        type=type_name_of(type(event)),
        status="not-started",
        event=event,
        meta=meta(),
        recorded_at=event.at,
    )
