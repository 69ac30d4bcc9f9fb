"""The shape of an event, in the stream of its run and in that of its batch."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from app.api.v1.runs.views import RunView, stored_url
from app.live.frames import Frame, message
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.run.events import (
    FileUploaded,
    ImageUploaded,
    OutputsProduced,
    RunClaimed,
    RunCreated,
    StatusChanged,
)
from events.run.status import TERMINAL
from events.subjects import identifier_of, kind_of
from infra.settings.settings import Spaces

_encode = msgspec.json.Encoder().encode


class EventView(Struct, frozen=True, kw_only=True):
    """One thing that happened to a run."""

    id: UUID
    type: str
    run_id: UUID
    status: str
    """The run's status after it."""

    at: datetime
    data: dict[str, Any]


def event_frame(recorded: AnyRecorded, spaces: Spaces) -> Frame:
    """Encode an event of a run; the last ones end its stream. Others are not sent to clients."""
    if kind_of(recorded.aggregate) != RUN.kind:
        return Frame(recorded=recorded, data=b"")
    view = event_view(recorded, spaces)
    data = message(view.type, _encode(view), position=recorded.position)
    ended = recorded.status in TERMINAL
    end = done_message(view.run_id, recorded.status, recorded.position) if ended else b""
    return Frame(recorded=recorded, data=data, end=end)


def run_snapshot(view: RunView, position: int) -> bytes:
    """Encode how a run is where its stream begins; one that has ended ends the stream."""
    data = message("snapshot", _encode(view), position=position)
    ended = view.status in TERMINAL
    return data + done_message(view.id, view.status, position) if ended else data


def done_message(run_id: UUID, status: str, position: int) -> bytes:
    """Encode the end of the stream of a run."""
    body = _encode({"run_id": run_id, "status": status, "position": str(position)})
    return message("done", body, position=position)


def event_view(recorded: AnyRecorded, spaces: Spaces) -> EventView:
    """Show an event: what concerns the client, and no internals."""
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
