"""The shape of a graph as ComfyUI's editor saves it, read into nodes and links by id."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from events.errors import InvalidGraph, Problem
from events.nodes import pointer

INPUT_NODE = "-10"
"""Inside a subgraph: the links that begin here come from outside."""

OUTPUT_NODE = "-20"
"""Inside a subgraph: the links that end here lead outside."""

MUTED = 2
BYPASSED = 4

Id = int | str
S = TypeVar("S", bound=Struct)


class Slot(Struct, frozen=True, kw_only=True):
    """An input or output of a node, or of a subgraph."""

    name: str = ""
    type: Any = "*"
    link: Id | None = None
    widget: Any = None
    """Set on an input that stands for a widget."""

    linkIds: list[Id] | None = None  # noqa: N815 -- as the editor spells it
    """Of a subgraph: the links at its border, in order."""


class Node(Struct, frozen=True, kw_only=True):
    """A box in the editor."""

    id: Id = -1
    type: str
    mode: int = 0
    title: Any = None
    inputs: list[Slot] | None = None
    outputs: list[Slot] | None = None
    widgets_values: Any = None
    widgets_values_named: Any = None
    properties: Any = None

    @property
    def key(self) -> str:
        """Its id, as links and the API format name it."""
        return str(self.id)

    @property
    def slots(self) -> list[Slot]:
        """Its inputs."""
        return self.inputs or []

    @property
    def active(self) -> bool:
        """Whether it takes part by itself: neither muted nor bypassed."""
        return self.mode not in (MUTED, BYPASSED)


class Link(Struct, frozen=True, kw_only=True):
    """A wire between an output and an input."""

    id: Id
    origin_id: Id
    origin_slot: int
    target_id: Id
    target_slot: int

    @property
    def origin(self) -> str:
        """The node it comes from."""
        return str(self.origin_id)

    @property
    def target(self) -> str:
        """The node it leads to."""
        return str(self.target_id)


class Level(Struct, frozen=True, kw_only=True):
    """One level of the graph: the whole, or what is inside a subgraph."""

    nodes: dict[str, Node]
    pointers: dict[str, str]
    """JSON pointer of each node, in what was sent."""

    links: dict[str, Link]
    inputs: list[Slot] = []
    """Of a subgraph: what goes in."""

    outputs: list[Slot] = []
    """Of a subgraph: what comes out."""

    entries: dict[int, list[Link]] = {}
    """For each input of a subgraph, the links that begin there."""

    exits: dict[int, Link] = {}
    """For each output of a subgraph, the link that ends there."""


class _Definition(Struct, frozen=True, kw_only=True):
    nodes: list[Node]
    links: list[Any] | dict[str, Any] | None = None
    inputs: list[Slot] | None = None
    outputs: list[Slot] | None = None
    id: str = ""


class _Definitions(Struct, frozen=True, kw_only=True):
    subgraphs: list[_Definition] = []


class _Extra(Struct, frozen=True, kw_only=True):
    groupNodes: dict[str, Any] | None = None  # noqa: N815 -- as the editor spells it


class _Saved(_Definition, frozen=True, kw_only=True):
    id: Any = None
    last_node_id: Any = None
    state: Any = None
    definitions: _Definitions | None = None
    extra: _Extra | None = None


class SavedGraph(Struct, frozen=True, kw_only=True):
    """All that was saved."""

    root: Level
    subgraphs: dict[str, Level]
    """By the type that their nodes have."""

    groups: dict[str, Any]
    """Group nodes, the older way of folding, by name; as they were saved."""

    last_id: int = 0
    """The last id that was given to a node when the graph was saved."""


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
    return level_of(nodes, pointers, links, definition.inputs or [], definition.outputs or [])


def level_of(
    nodes: dict[str, Node],
    pointers: dict[str, str],
    links: dict[str, Link],
    inputs: Sequence[Slot] = (),
    outputs: Sequence[Slot] = (),
) -> Level:
    """Build a level."""
    entries, exits = defaultdict(list), defaultdict(list)
    for link in links.values():
        if link.origin == INPUT_NODE:
            entries[link.origin_slot].append(link)
        if link.target == OUTPUT_NODE:
            exits[link.target_slot].append(link)
    ends = _listed(outputs, exits, links)
    return Level(
        nodes=nodes,
        pointers=pointers,
        links=links,
        inputs=list(inputs),
        outputs=list(outputs),
        entries=_listed(inputs, entries, links),
        exits={number: found[0] for number, found in ends.items() if found},
    )


def _listed(
    slots: Sequence[Slot], drawn: Mapping[int, list[Link]], links: Mapping[str, Link]
) -> dict[int, list[Link]]:
    """Return the links at a border in the order that its slots list them, if they do."""
    listed = {
        number: [links[str(key)] for key in slot.linkIds if str(key) in links]
        for number, slot in enumerate(slots)
        if slot.linkIds is not None
    }
    return {**drawn, **listed}


def _links(saved: list[Any] | dict[str, Any] | None, where: str) -> dict[str, Link]:
    """Read links in each of the ways they were ever saved in: as lists, objects, or by id."""
    links = list(saved.values()) if isinstance(saved, dict) else saved or []
    read = (_link(link, f"{where}/{index}") for index, link in enumerate(links) if link)
    return {str(link.id): link for link in read}


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
