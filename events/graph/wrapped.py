"""Finds the graphs in what tools write around them: {"prompt": …}, {"input": {"workflow": …}}."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from events.errors import InvalidGraph, Problem
from events.graph.nodes import pointer
from events.json_checks import check_complexity, malformed_json

_WRAPPERS = (
    "prompt",
    "workflow_api",
    "workflow_api_raw",
    "output",
    "graph",
    "workflow",
    "ui_graph",
    "input",
    "extra_data",
    "extra_pnginfo",
)
"""Fields in which ComfyUI, its hosts and its pictures keep graphs; those in API format first."""

_DEEPEST = 5
"""Wrappers in wrappers, such as {"input": {"extra_data": {"extra_pnginfo": {"workflow": …}}}}."""


class Wrapped(Struct, frozen=True):
    """A graph, and where it was found."""

    graph: dict[str, Any]
    pointer: str = ""
    """JSON pointer into what was searched."""


class FoundGraphs(Struct, frozen=True, kw_only=True):
    """What a document has: the first graph of each format."""

    api: Wrapped | None = None
    ui: Wrapped | None = None


def find_graphs(document: object) -> FoundGraphs:
    """Find the graphs in a document, which may be one itself.

    Raises:
        InvalidGraph: there is only one that is kept as text, and is no JSON.
        BodyTooComplex: one that is kept as text holds too much.

    """
    parts = list(_graphs(document, (), _DEEPEST))
    found = [part for part in parts if isinstance(part, Wrapped)]
    broken = [part for part in parts if isinstance(part, Problem)]
    if broken and not found:
        raise InvalidGraph(problems=broken)
    return FoundGraphs(
        api=next((wrapped for wrapped in found if not is_ui_format(wrapped.graph)), None),
        ui=next((wrapped for wrapped in found if is_ui_format(wrapped.graph)), None),
    )


def is_ui_format(document: Mapping[str, Any]) -> bool:
    """Whether a graph is in the editor's format."""
    return isinstance(document.get("nodes"), list)


def is_api_format(document: Mapping[str, Any]) -> bool:
    """Whether a graph is in API format: nodes by their ids."""
    return any(isinstance(node, dict) and "class_type" in node for node in document.values())


def _graphs(document: object, path: tuple[str, ...], depth: int) -> Iterator[Wrapped | Problem]:
    where = pointer(*path) if path else ""
    if isinstance(document, str) and path:
        document = _decoded(document, where)
    if isinstance(document, Problem):
        yield document
    if not isinstance(document, dict):
        return
    if is_ui_format(document) or is_api_format(document):
        yield Wrapped(document, where)
    elif depth:
        for name in _WRAPPERS:
            yield from _graphs(document.get(name), (*path, name), depth - 1)


def _decoded(text: str, where: str) -> object:
    """Read a graph that is kept as text; return what is wrong with one that is no JSON.

    Raises:
        BodyTooComplex: it holds too much; it was not counted while it was a string.

    """
    check_complexity(text.encode())
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return malformed_json(text, error, pointer=where) if _is_meant_as_graph(text) else UNSET


def _is_meant_as_graph(text: str) -> bool:
    return text.lstrip().startswith("{") and ('"class_type"' in text or '"nodes"' in text)
