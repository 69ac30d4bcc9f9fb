"""History of a machine, in sentences, from its events."""

from collections.abc import Iterable
from typing import Any

from msgspec import structs

from app.api.v1.machines.views import MachineChangeView
from events.aggregates import MACHINE
from events.envelope import AnyRecorded
from events.machine.events import MachineObserved, MachineRegistered
from events.machine.snapshot import SnapshotChange, change
from events.machine.state import Machine
from events.messages.texts import Texts
from infra.translation import translate

WORDS: Texts = {
    "machine.registered": "registered as {name} at {url}",
    "machine.renamed": "renamed from {before} to {name}",
    "machine.moved": "moved from {before} to {url}",
    "machine.driver_changed": "given its prompts by {driver}",
    "machine.token_sealed": "its token was changed",
    "machine.header_sealed": "its header was changed",
    "machine.comfy_key_sealed": "the account of its partner nodes was changed",
    "machine.drained": "drained: it takes nothing new",
    "machine.resumed": "resumed",
    "machine.disabled": "disabled",
    "machine.removed": "removed with {open_runs} open runs",
    "machine.observed": "looked at: {found}",
}
"""Type of an event to its words."""

FOUND: Texts = {
    "first": "ComfyUI {version}, {classes} node classes",
    "versions": "{name} {before} is now {after}",
    "and": "; ",
    "devices": "other devices",
    "models_added": "new in {folder}: {names}",
    "models_removed": "gone from {folder}: {names}",
    "node_classes": "{before} node classes are now {after}",
    "details": "descriptions of nodes changed",
}
"""What a look may have found."""

NAMES_TOLD = 5


def history(events: Iterable[AnyRecorded], language: str) -> list[MachineChangeView]:
    """Return what has happened, in *language*: en or zh; the latest first."""
    changes: list[MachineChangeView] = []
    machine: Machine | None = None
    for recorded in events:
        changes.append(_change_view(machine, recorded, language))
        machine = MACHINE.evolve(machine, recorded.event)
    return changes[::-1]


def _change_view(before: Machine | None, recorded: AnyRecorded, language: str) -> MachineChangeView:
    event = recorded.event
    kind = recorded.type.rpartition(".v")[0]
    if isinstance(event, MachineObserved):
        found = change(before.snapshot if before else None, event.snapshot)
        changes = {n: v for n, v in structs.asdict(found).items() if v}
        params = {"found": _found(before, event, found, language)}
    else:
        changes = _fields(event)
        params = {name: str(value) for name, value in changes.items()}
        if before:
            params["before"] = before.name if "name" in changes else before.url
    return MachineChangeView(
        at=event.at,
        by=recorded.meta.actor,
        type=kind,
        what=translate(WORDS[kind], language, params),
        changes=changes,
    )


def _fields(event: Any) -> dict[str, Any]:
    if isinstance(event, MachineRegistered):
        return {"name": event.name, "url": event.url}
    # A secret is not shown, not even sealed.
    fields = structs.asdict(event).items()
    return {n: v for n, v in fields if n != "at" and not n.startswith("sealed_")}


def _found(
    before: Machine | None, event: MachineObserved, found: SnapshotChange, language: str
) -> str:
    if before is None or before.snapshot is None:
        snapshot = event.snapshot
        params = {"version": snapshot.comfyui_version, "classes": str(snapshot.node_classes)}
        return translate(FOUND["first"], language, params)
    parts = [translate(FOUND[what], language, params) for what, params in _differences(found)]
    return translate(FOUND["and"], language).join(parts) or translate(FOUND["details"], language)


def _differences(found: SnapshotChange) -> Iterable[tuple[str, dict[str, str]]]:
    for name, (old, new) in found.versions.items():
        yield "versions", {"name": name.removesuffix("_version"), "before": old, "after": new}
    if found.devices:
        yield "devices", {}
    for what in ("models_added", "models_removed"):
        for folder, names in getattr(found, what).items():
            more = ["…"] if len(names) > NAMES_TOLD else []
            yield what, {"folder": folder, "names": ", ".join([*names[:NAMES_TOLD], *more])}
    if found.node_classes:
        old_count, new_count = found.node_classes
        yield "node_classes", {"before": str(old_count), "after": str(new_count)}
