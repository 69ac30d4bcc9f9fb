"""How what happens to a run is shown: in its stream, and in that of its batch."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from app.api.v1.run_views import stored_url
from events.envelope import AnyRecorded
from events.run.events import (
    FileUploaded,
    ImageUploaded,
    OutputsProduced,
    RunClaimed,
    RunCreated,
    StatusChanged,
)
from events.subjects import identifier_of
from infra.settings.settings import Spaces


class EventView(Struct, frozen=True, kw_only=True):
    """One thing that happened to a run."""

    id: UUID
    type: str
    run_id: UUID
    status: str
    """The run's status after it."""

    at: datetime
    data: dict[str, Any]


def event_view(recorded: AnyRecorded, spaces: Spaces) -> EventView:
    """Show an event: what concerns the client, nothing of the house's own affairs."""
    return EventView(
        id=recorded.id,
        type=recorded.type.rpartition(".v")[0],
        run_id=identifier_of(recorded.aggregate),
        status=recorded.status,
        at=recorded.event.at,
        data=_event_data(recorded.event, spaces),
    )


def _event_data(event: object, spaces: Spaces) -> dict[str, Any]:
    match event:
        case RunCreated():
            return {
                "deployment_id": event.deployment_id,
                "version": event.version,
                "environment": event.environment,
                "batch_id": event.batch_id,
                "batch_index": event.batch_index,
                "rerun_of": event.rerun_of,
            }
        case ImageUploaded() | FileUploaded():
            return _uploaded_data(event, spaces)
        case StatusChanged():
            return {"reason": event.reason, "attempt": event.attempt, "error": event.error}
        case RunClaimed():
            return {
                "attempt": event.attempt,
                "machine_id": event.machine_id,
                "reason": event.reason,
            }
        case OutputsProduced():
            return {"attempt": event.attempt, "outputs": len(event.outputs)}
        case Struct():
            return {n: getattr(event, n) for n in event.__struct_fields__ if n != "at"}
        case _:
            return {}


def _uploaded_data(event: ImageUploaded | FileUploaded, spaces: Spaces) -> dict[str, Any]:
    shown = ("name", "media_type", "bytes", "sha256", "upload_duration")
    data: dict[str, Any] = {name: getattr(event, name) for name in shown}
    data["url"] = stored_url(spaces, event.key)
    if isinstance(event, ImageUploaded):
        data |= {"role": event.role, "width": event.width, "height": event.height}
    else:
        data["role"] = "output"
    return data
