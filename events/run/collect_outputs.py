"""Collect the outputs of a finished prompt from ComfyUI's history."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from events.files import is_foreign, place_of, stored_name
from events.run.output import Output

TEXT_LIMIT = 16_384
"""Longest text output, in characters; the rest is cut off, and counted."""

SERIES_LIMIT = 20
"""Most values of one list that are an output each; a longer list is one text."""

_HINTS = frozenset({"animated"})
"""What nodes tell ComfyUI's own page about the files beside it; no node made it."""

_json = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))

_NODE_SHOWN = 30


def collect_outputs(
    history_outputs: Mapping[str, object], *, prompt_id: UUID
) -> tuple[Output, ...]:
    """Return a prompt's outputs, in the order of its nodes and of their items.

    Previews (files in ComfyUI's temp folder) count only where no file was saved. A file in the
    folder of another prompt is not this one's, whatever a node says.
    """
    found = [
        output
        for node_id, shown in history_outputs.items()
        for output in _node_outputs(node_id, shown, prompt_id)
        if not is_foreign(output.subfolder, prompt_id)
    ]
    if any(o.is_file and o.folder == "output" for o in found):
        found = [o for o in found if not o.is_file or o.folder == "output"]
    return _named(found)


def _node_outputs(node_id: str, shown: object, prompt_id: UUID) -> Iterator[Output]:
    if not isinstance(shown, Mapping):
        return
    for kind, items in shown.items():
        for item in () if kind in _HINTS else _items(items):
            if not _is_file(item):
                yield _text(node_id, kind, item)
            elif item.get("type") != "input":  # Some nodes show what they were given.
                yield _file(node_id, kind, item, prompt_id)


def _items(items: object) -> Iterator[Any]:
    """Yield what a node shows under one key: each file, each text, and values as they come."""
    if not isinstance(items, list):
        yield items
    elif len(items) > SERIES_LIMIT and not any(isinstance(i, str | Mapping) for i in items):
        yield items  # A curve or a matrix is one thing, however many numbers it has.
    else:
        for item in items:
            # Lists of files in a list are files all the same.
            yield from item if isinstance(item, list) and any(map(_is_file, item)) else [item]


def _is_file(item: object) -> bool:
    filename = item.get("filename") if isinstance(item, Mapping) else None
    return isinstance(filename, str) and filename != ""


def _text(node_id: str, kind: str, item: object) -> Output:
    """Keep a string as it is, and anything else as JSON, with Python's NaN and Infinity."""
    text = item if isinstance(item, str) else _json(item)
    omitted = max(len(text) - TEXT_LIMIT, 0)
    return Output(
        index=0,
        node_id=node_id,
        kind=kind,
        text=text[:TEXT_LIMIT],
        omitted=omitted or UNSET,
    )


def _file(node_id: str, kind: str, item: Mapping[str, Any], prompt_id: UUID) -> Output:
    named = str(item.get("subfolder") or "")
    subfolder, filename = place_of(item["filename"], named, prompt_id)
    return Output(
        index=0,
        node_id=node_id,
        kind=kind,
        filename=filename,
        subfolder=subfolder,
        folder=str(item.get("type") or "output"),
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
        outputs.append(replace(output, index=index, name=name))
    return tuple(outputs)
