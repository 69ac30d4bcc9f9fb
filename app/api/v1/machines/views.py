"""The shapes in which the native API shows a machine and what has happened to it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from events.machine.snapshot import Device, MachineSnapshot
from events.machine.state import Machine


class SnapshotView(Struct, frozen=True, kw_only=True):
    """What a machine is, as it was last found."""

    comfyui_version: str
    python_version: str
    pytorch_version: str
    os: str
    devices: tuple[Device, ...]
    node_classes: Annotated[int, Meta(description="How many classes of nodes it has.")]

    at: Annotated[datetime, Meta(description="When it was first found to be so.")]


class SnapshotDetailView(SnapshotView, frozen=True, kw_only=True):
    """What a machine is and which models it has."""

    models: Annotated[dict[str, tuple[str, ...]], Meta(description="Files by folder.")]

    models_omitted: Annotated[int, Meta(description="How many files there are beyond those.")]


class _MachineFacts(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    url: str
    driver: str
    state: Annotated[str, Meta(description="active, draining, disabled or removed.")]

    has_token: Annotated[
        bool,
        Meta(description="Whether a token is sent to it; the token itself is never shown."),
    ]

    header: Annotated[
        str | None,
        Meta(
            description="The name of another header that is sent to it; its value is never shown."
        ),
    ]

    has_comfy_api_key: Annotated[
        bool,
        Meta(
            description="Whether its partner nodes have an account; the key itself is never shown."
        ),
    ]

    created_at: datetime


class MachineView(_MachineFacts, frozen=True, kw_only=True):
    """A machine."""

    snapshot: Annotated[
        SnapshotView | None,
        Meta(description="None until it was first reached."),
    ]


class MachineDetailView(_MachineFacts, frozen=True, kw_only=True):
    """A machine with all its models."""

    snapshot: Annotated[
        SnapshotDetailView | None,
        Meta(description="None until it was first reached."),
    ]


class MachineChangeView(Struct, frozen=True, kw_only=True):
    """Something that happened to a machine."""

    at: datetime
    by: Annotated[str, Meta(description="user:<id>, key:<id> or worker:<host>:<pid>.")]

    type: str
    what: Annotated[str, Meta(description="In words, English or Chinese.")]

    changes: Annotated[
        dict[str, Any],
        Meta(description="What has changed, by field; for a new snapshot, only what differs."),
    ]


def machine_view(machine: Machine) -> MachineView:
    """Show a machine."""
    snapshot = machine.snapshot
    return MachineView(
        **_facts(machine), snapshot=SnapshotView(**_found(snapshot)) if snapshot else None
    )


def machine_detail_view(machine: Machine) -> MachineDetailView:
    """Show a machine with all its models."""
    snapshot = machine.snapshot
    if snapshot is None:
        return MachineDetailView(**_facts(machine), snapshot=None)
    detail = SnapshotDetailView(
        **_found(snapshot), models=snapshot.models, models_omitted=snapshot.models_omitted
    )
    return MachineDetailView(**_facts(machine), snapshot=detail)


def _facts(machine: Machine) -> dict[str, Any]:
    return {
        "id": machine.id,
        "name": machine.name,
        "url": machine.url,
        "driver": machine.current.driver,
        "state": str(machine.state),
        "has_token": bool(machine.sealed_token),
        "header": machine.current.header_name or None,
        "has_comfy_api_key": bool(machine.current.sealed_comfy_key),
        "created_at": machine.created_at,
    }


def _found(snapshot: MachineSnapshot) -> dict[str, Any]:
    return {name: getattr(snapshot, name) for name in SnapshotView.__struct_fields__}
