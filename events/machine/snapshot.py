"""What a machine can do, as it was last found: versions, devices, models, node classes."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

MOST_MODELS = 2000
"""Names of models that one snapshot holds, over all folders: it must fit into an event."""

LONGEST_NAME = 200


class Device(Struct, frozen=True, kw_only=True):
    """Something a machine computes on."""

    name: str
    type: Annotated[str, Meta(description="As the machine calls it, such as cuda, mps or cpu.")]

    vram_total: Annotated[int, Meta(description="Bytes.")]


class MachineSnapshot(Struct, frozen=True, kw_only=True):
    """What a machine said of itself at one moment; what changes all the time is left out."""

    object_info_key: str
    """Object key of its /object_info, as JSON."""

    object_info_sha256: str
    comfyui_version: str
    python_version: str
    pytorch_version: str
    os: str
    devices: tuple[Device, ...]
    models: dict[str, tuple[str, ...]]
    """By folder, such as checkpoints: the files a loader offers, in order."""

    models_omitted: int = 0
    """How many files there are beyond those."""

    node_classes: int
    """How many classes of nodes it has."""

    at: datetime

    def says_the_same_as(self, other: "MachineSnapshot | None") -> bool:
        """Whether nothing but the moment differs."""
        return other is not None and _facts(self) == _facts(other)


class SnapshotChange(Struct, frozen=True, kw_only=True):
    """What is different between two snapshots of a machine."""

    versions: dict[str, tuple[str, str]] = {}
    """By what has the version: before and after."""

    devices: tuple[tuple[Device, ...], tuple[Device, ...]] | None = None
    """Before and after, if they differ."""

    models_added: dict[str, tuple[str, ...]] = {}
    models_removed: dict[str, tuple[str, ...]] = {}
    node_classes: tuple[int, int] | None = None
    """Before and after, if they differ."""


VERSIONED = ("comfyui_version", "python_version", "pytorch_version", "os")


def change(before: MachineSnapshot | None, after: MachineSnapshot) -> SnapshotChange:
    """Return what differs from the snapshot before; of a first snapshot, nothing does."""
    if before is None:
        return SnapshotChange()
    return SnapshotChange(
        versions={
            name: (old, new)
            for name in VERSIONED
            if (old := getattr(before, name)) != (new := getattr(after, name))
        },
        devices=(before.devices, after.devices) if before.devices != after.devices else None,
        models_added=_beyond(after.models, before.models),
        models_removed=_beyond(before.models, after.models),
        node_classes=(
            (before.node_classes, after.node_classes)
            if before.node_classes != after.node_classes
            else None
        ),
    )


def bounded(models: dict[str, list[str]]) -> tuple[dict[str, tuple[str, ...]], int]:
    """Return as many *models* as a snapshot may hold, and how many are left out."""
    kept: dict[str, tuple[str, ...]] = {}
    room, omitted = MOST_MODELS, 0
    for folder, names in sorted(models.items()):
        usable = [name for name in sorted(set(names)) if len(name) <= LONGEST_NAME]
        kept[folder] = tuple(usable[:room])
        omitted += len(set(names)) - len(kept[folder])
        room -= len(kept[folder])
    return kept, omitted


def _facts(snapshot: MachineSnapshot) -> tuple[object, ...]:
    # The key holds a secret's hash: after a change of the secret the machine is still the same.
    left_out = {"at", "object_info_key"}
    return tuple(getattr(snapshot, n) for n in snapshot.__struct_fields__ if n not in left_out)


def _beyond(
    these: dict[str, tuple[str, ...]], those: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    extra = {
        folder: tuple(name for name in names if name not in set(those.get(folder, ())))
        for folder, names in these.items()
    }
    return {folder: names for folder, names in extra.items() if names}
