"""Reads a graph as ComfyUI's editor saves it, in each of the ways that it ever did."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from events.errors import InvalidGraph, Problem
from events.graph.editor.shape import Level, Link, Node, SavedGraph, Slot, level_of
from events.graph.nodes import pointer

S = TypeVar("S", bound=Struct)

_ENDS = {
    "upstream": "origin_id",
    "upstream_slot": "origin_slot",
    "downstream": "target_id",
    "downstream_slot": "target_slot",
    "type": "type",
}
"""What Use Everywhere calls the ends of a wire, and what they are called here."""


class _Extra(Struct, frozen=True, kw_only=True):
    groupNodes: dict[str, Any] | None = None  # noqa: N815 -- as the editor spells it
    ue_links: list[Any] | None = None


class _Definition(Struct, frozen=True, kw_only=True):
    nodes: list[Node]
    links: list[Any] | dict[str, Any] | None = None
    inputs: list[Slot] | None = None
    outputs: list[Slot] | None = None
    extra: _Extra | None = None
    id: str = ""


class _Definitions(Struct, frozen=True, kw_only=True):
    subgraphs: list[_Definition] = []


class _Saved(_Definition, frozen=True, kw_only=True):
    id: Any = None
    last_node_id: Any = None
    state: Any = None
    definitions: _Definitions | None = None


def read_saved(graph: Mapping[str, Any]) -> SavedGraph:
    """Read a graph in the editor's format.

    Raises:
        InvalidGraph: it has another shape; the pointer starts at the graph.

    """
    saved = read_as(graph, _Saved)
    subgraphs = saved.definitions.subgraphs if saved.definitions else []
    return SavedGraph(
        root=_level(saved, "", "/links"),
        subgraphs={
            definition.id: _level(
                definition, where := f"/definitions/subgraphs/{index}", f"{where}/links"
            )
            for index, definition in enumerate(subgraphs)
        },
        groups=(saved.extra.groupNodes if saved.extra else None) or {},
        last_id=max(_number(saved.last_node_id), _number(saved.state, "lastNodeId")),
    )


def _number(thing: Any, key: str = "") -> int:
    found = thing.get(key) if key and isinstance(thing, dict) else thing
    return found if isinstance(found, int) else 0


def _level(definition: _Definition, where: str, links_at: str) -> Level:
    nodes = {node.key: node for node in definition.nodes}
    if len(nodes) < len(definition.nodes):
        raise _malformed(f"{where}/nodes", "two nodes have the same id")
    pointers = {node.key: f"{where}/nodes/{index}" for index, node in enumerate(definition.nodes)}
    links = _links(definition.links, links_at)
    level = level_of(nodes, pointers, links, definition.inputs or [], definition.outputs or [])
    return replace(level, broadcasts=_broadcasts(definition.extra, f"{where}/extra/ue_links"))


def _links(saved: list[Any] | dict[str, Any] | None, where: str) -> dict[str, Link]:
    """Read links in each of the ways they were ever saved in: as lists, objects, or by id."""
    links = list(saved.values()) if isinstance(saved, dict) else saved or []
    read = (_link(link, f"{where}/{index}") for index, link in enumerate(links) if link)
    return {str(link.id): link for link in read}


def _broadcasts(extra: _Extra | None, where: str) -> list[Link] | None:
    """Read the wires of Use Everywhere; None where that pack has saved none."""
    if extra is None or extra.ue_links is None:
        return None
    saved = (link if isinstance(link, dict) else {} for link in extra.ue_links)
    links = ({name: link[end] for end, name in _ENDS.items() if end in link} for link in saved)
    return [
        _link({"id": f"ue{number}", **link}, f"{where}/{number}")
        for number, link in enumerate(links)
    ]


def _link(saved: Any, where: str) -> Link:
    if isinstance(saved, list):
        saved = dict(zip(Link.__struct_fields__, saved, strict=False))
    return read_as(saved, Link, where)


def read_as(saved: Any, kind: type[S], where: str = "") -> S:
    """Read a part of a graph.

    Raises:
        InvalidGraph: it has another shape.

    """
    try:
        return msgspec.convert(saved, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise _malformed(where + pointer(*re.findall(r"\w+", path)), reason) from error


def _malformed(where: str, reason: str) -> InvalidGraph:
    problem = Problem(code="ui_graph_malformed", pointer=where, params={"reason": reason})
    return InvalidGraph(problems=[problem])
