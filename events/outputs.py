"""Collects what a finished prompt left behind from ComfyUI's history."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from events.output import Output
from events.run_files import is_foreign, shown_subfolder, stored_name

__all__ = ["TEXT_LIMIT", "collect_outputs", "shown_subfolder"]

TEXT_LIMIT = 16_384
"""Longest text output, in characters; the rest is cut off."""

_NODE_SHOWN = 30


def collect_outputs(
    history_outputs: Mapping[str, object], *, prompt_id: UUID
) -> tuple[Output, ...]:
    """Give a prompt's outputs, in the order of its nodes and of their items.

    Previews (files in ComfyUI's temp folder) count only where no file was saved. A file in the
    folder of another prompt is not this one's, whatever a node says.
    """
    found = [
        output
        for node_id, shown in history_outputs.items()
        for output in _node_outputs(node_id, shown)
        if not is_foreign(output.subfolder, prompt_id)
    ]
    if any(o.is_file and o.folder == "output" for o in found):
        found = [o for o in found if not o.is_file or o.folder == "output"]
    return _named(found)


def _node_outputs(node_id: str, shown: object) -> Iterator[Output]:
    if not isinstance(shown, Mapping):
        return
    for kind, items in shown.items():
        for item in items if isinstance(items, list) else [items]:
            output = _output(node_id, kind, item)
            if output:
                yield output


def _output(node_id: str, kind: str, item: object) -> Output | None:
    """Read one item; flags, numbers and other odd values are no outputs."""
    if isinstance(item, str):
        return Output(index=0, node_id=node_id, kind=kind, text=item[:TEXT_LIMIT])
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("filename"), str) and item["filename"]:
        return _file(node_id, kind, item)
    text = msgspec.json.encode(item).decode()
    return Output(index=0, node_id=node_id, kind=kind, text=text[:TEXT_LIMIT])


def _file(node_id: str, kind: str, item: Mapping[str, Any]) -> Output | None:
    folder = str(item.get("type") or "output")
    if folder == "input":  # Some nodes show what they were given.
        return None
    return Output(
        index=0,
        node_id=node_id,
        kind=kind,
        filename=item["filename"],
        subfolder=str(item.get("subfolder") or ""),
        folder=folder,
    )


def _named(found: list[Output]) -> tuple[Output, ...]:
    taken: set[str] = set()
    outputs = []
    for index, output in enumerate(found):
        name = ""
        if output.is_file:
            distinction = f"{output.node_id[:_NODE_SHOWN]}-{index}"
            name = stored_name(output.filename, distinction=distinction, taken=taken)
            taken.add(name)
        outputs.append(msgspec.structs.replace(output, index=index, name=name))
    return tuple(outputs)
