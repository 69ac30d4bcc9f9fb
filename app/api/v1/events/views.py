"""The shapes of all events, with only the fields that a client may see.

Events of runs are as in the stream of their run. Of the others each field that is shown is named
here: secrets, hashes and keys of storage are in some, and a field that is added is not shown before
it has been reviewed.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.api.v1.runs.event_views import event_frame as run_event_frame
from app.live.frames import Frame, message, position_message
from app.live.tenant_stream import Changes, EventsPiece
from events.aggregates import RUN
from events.batch import BatchCreated
from events.envelope import AnyRecorded
from events.machine.events import MachineObserved
from events.subjects import identifier_of, kind_of
from infra.settings.settings import Spaces

_encode = msgspec.json.Encoder().encode

SHOWN: Mapping[str, tuple[str, ...]] = {
    "batch.cancel_requested": ("by",),
    "workflow.created": ("name",),
    "workflow.version_created": ("version_id", "version", "comment", "author", "source"),
    "deployment.promoted": (
        "workflow_id",
        "workflow_name",
        "environment",
        "version_id",
        "version",
        "machine_id",
        "action",
        "forced",
        "comment",
        "by",
    ),
    "machine.registered": ("name", "url", "driver"),
    "machine.renamed": ("name",),
    "machine.moved": ("url",),
    "machine.driver_changed": ("driver",),
    "machine.header_sealed": ("header_name",),
    "machine.removed": ("open_runs",),
    "key.issued": ("name", "scopes", "deployments", "expires_at", "by"),
    "key.revoked": ("by",),
    "token.revoked": ("by",),
    "session.started": ("method", "user_id"),
    "session.revoked": ("by",),
    "organisation.created": ("name", "owner"),
    "organisation.member_added": ("user_id", "role", "by"),
    "organisation.member_removed": ("user_id", "by"),
    "alias.assigned": ("kind", "foreign_id", "target_id", "by"),
}
"""The fields of an event that are shown, by its type; of others none."""


def event_frame(recorded: AnyRecorded, spaces: Spaces) -> Frame:
    """Encode an event of any kind."""
    kind = kind_of(recorded.aggregate)
    if kind == RUN.kind:
        return run_event_frame(recorded, spaces)
    event_type = recorded.type.rpartition(".v")[0]
    view = {
        "id": recorded.id,
        "type": event_type,
        f"{kind}_id": identifier_of(recorded.aggregate),
        "at": recorded.event.at,
        "data": _data(event_type, recorded.event),
    }
    data = message(event_type, _encode(view), position=recorded.position)
    return Frame(recorded=recorded, data=data)


def _data(event_type: str, event: Any) -> dict[str, Any]:
    match event:
        case BatchCreated():
            deployments = dict.fromkeys(target.deployment_id for target in event.targets)
            return {"total": len(event.items), "deployment_ids": list(deployments)}
        case MachineObserved():
            shown = ("comfyui_version", "python_version", "pytorch_version", "node_classes")
            return {name: getattr(event.snapshot, name) for name in shown}
        case _:
            return {name: getattr(event, name) for name in SHOWN.get(event_type, ())}


def events_message(piece: EventsPiece) -> bytes:
    """Encode events that are to be sent now, or how far the stream has come."""
    messages = [frame.data for frame in piece.frames]
    if piece.last or not messages:
        messages.append(position_message(piece.position))
    return b"".join(messages)


def changes_message(changes: Changes) -> bytes:
    """Encode what has changed, or how far the stream has come."""
    if not changes.any:
        return position_message(changes.position)
    body = {"everything": changes.everything, "ids": changes.ids}
    return message("changes", _encode(body), position=changes.position)
