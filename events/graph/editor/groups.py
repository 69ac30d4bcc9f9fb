"""Group nodes: what the editor had before subgraphs, read as the subgraphs they could have been.

A group names no inputs, outputs or widgets of its own: they follow from the classes of the nodes
inside, in order, minus what is wired inside.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from events.errors import InvalidGraph, Problem
from events.graph.editor.classes import Classes, NodeClass, Widget
from events.graph.editor.reading import read_as
from events.graph.editor.shape import (
    INPUT_NODE,
    OUTPUT_NODE,
    Level,
    Link,
    Node,
    Slot,
    level_of,
)
from events.graph.editor.widgets import widgets_of
from events.graph.nodes import pointer

_PREFIXES = ("workflow>", "workflow/")
MOST_NODES, MOST_WIRES = 300, 3000
"""In one group."""

PRIMITIVE = "PrimitiveNode"
REROUTE = "Reroute"


class Entry(Struct, frozen=True, kw_only=True):
    """A widget of a group node: whose it is inside."""

    node: str
    widget: Widget
    upload_follows: bool = False


class Group(Struct, frozen=True, kw_only=True):
    """A group node's inside, and how its own inputs and widgets lead there."""

    level: Level
    sockets: int
    """How many of its inputs are sockets; the others are widgets that were made inputs."""

    widgets: tuple[Entry, ...]
    """In the order in which their values are saved."""


class _Wire(Struct, frozen=True, array_like=True):
    source: int | None
    slot: int
    target: int | None
    target_slot: int
    origin: Any = None
    type: Any = "*"


class _Shown(Struct, frozen=True, kw_only=True):
    visible: bool | None = None


class _Setting(Struct, frozen=True, kw_only=True):
    input: dict[str, _Shown] = {}
    output: dict[str, _Shown] = {}


class _Saved(Struct, frozen=True, kw_only=True):
    nodes: list[Node]
    links: list[_Wire] = []
    external: list[Any] = []
    config: dict[str, _Setting] | None = None


def group_name(class_type: str) -> str:
    """Return the name of the group that a node of this type is; empty if it is none."""
    return next((class_type[len(p) :] for p in _PREFIXES if class_type.startswith(p)), "")


def read_group(name: str, saved: object, classes: Classes) -> Group:
    """Read a group's definition.

    Raises:
        InvalidGraph: it has another shape, or another group is in it.

    """
    where = pointer("extra", "groupNodes", name)
    read = read_as(saved, _Saved, where)
    if len(read.nodes) > MOST_NODES or len(read.links) > MOST_WIRES:
        params = {"count": str(len(read.nodes)), "limit": str(MOST_NODES)}
        raise InvalidGraph(problems=[Problem(code="graph_too_large", pointer=where, params=params)])
    return _Reading(read, where, classes).group()


class _Reading:
    def __init__(self, saved: _Saved, where: str, classes: Classes) -> None:
        self._nodes = [replace(node, id=index) for index, node in enumerate(saved.nodes)]
        self._where = where
        self._classes = classes
        # Wires from outside, as they were when the group was made, have no source.
        inside = range(len(self._nodes))
        self._wires = [w for w in saved.links if w.source in inside and w.target in inside]
        self._external = set(_ends(saved.external))
        self._config = saved.config or {}
        self._links: list[Link] = []
        self._inputs: list[Slot] = []
        self._outputs = 0
        self._widgets: list[Entry] = []
        self._later: list[tuple[Node, int, Widget]] = []

    def group(self) -> Group:
        for number, wire in enumerate(self._wires):
            target = str(wire.target), wire.target_slot
            self._connect(f"inner{number}", str(wire.source), wire.slot, *target)
        for node in self._nodes:
            if group_name(node.type):
                raise InvalidGraph(problems=[self._nested(node)])
            self._read(node)
        sockets = len(self._inputs)
        # Widgets that were made inputs come after all others.
        for node, index, widget in self._later:
            self._widgets.append(Entry(node=node.key, widget=widget))
            self._enter(node, index)
        pointers = {n.key: f"{self._where}/nodes/{n.key}" for n in self._nodes}
        nodes = {node.key: self._linked(node) for node in self._nodes}
        links = {str(link.id): link for link in self._links}
        level = level_of(nodes, pointers, links, self._inputs)
        return Group(level=level, sockets=sockets, widgets=tuple(self._widgets))

    def _nested(self, node: Node) -> Problem:
        where = f"{self._where}/nodes/{node.key}"
        params = {"node": node.key, "class_type": node.type}
        return Problem(code="ui_group_nested", pointer=where, params=params)

    def _read(self, node: Node) -> None:
        if node.type == PRIMITIVE:
            if any(str(wire.source) == node.key for wire in self._wires):
                widget = self._primitive(node)
                self._widgets.append(Entry(node=node.key, widget=widget))
                self._read_outputs(node, 1)
            return
        if node.type == REROUTE:
            if not self._is_inner(node):
                self._read_sockets(node, set())
                self._read_outputs(node, 1)
            return
        node_class = self._classes.get(node.type)
        if node_class is None:
            return  # It is said of the node itself, as of every unknown class.
        widgets = widgets_of(node_class, node.slots)
        self._read_sockets(node, set(widgets))
        self._read_widgets(node, widgets, node_class)
        self._read_outputs(node, len(node_class.outputs))

    def _is_inner(self, node: Node) -> bool:
        """Whether a reroute is wired inside on both sides, so that nothing of it shows."""
        index = int(node.key)
        into = any(wire.target == index for wire in self._wires)
        out = any(wire.source == index for wire in self._wires)
        return into and out and (index, 0) not in self._external

    def _primitive(self, node: Node) -> Widget:
        shown = next(str(wire.type) for wire in self._wires if str(wire.source) == node.key)
        controlled = shown in {"INT", "COMBO"}
        return Widget(name="value", type=shown, default=UNSET, controlled=controlled)

    def _read_sockets(self, node: Node, widgets: set[str]) -> None:
        wired = self._wired(node)
        shown = self._setting(node).input
        for index, slot in enumerate(node.slots):
            hidden = shown.get(slot.name, _Shown()).visible is False
            if slot.name not in widgets and index not in wired and not hidden:
                self._enter(node, index)

    def _read_widgets(self, node: Node, widgets: dict[str, Widget], known: NodeClass) -> None:
        converted = {s.name: index for index, s in enumerate(node.slots) if s.widget is not None}
        wired = self._wired(node)
        plain = [name for name in widgets if name not in converted]
        required = {spec.name for spec in known.required}
        last = [name for name in plain if name in required][-1:]
        for name in plain:
            follows = known.uploads and name in last
            self._widgets.append(Entry(node=node.key, widget=widgets[name], upload_follows=follows))
        for name, index in sorted(converted.items(), key=lambda item: item[1]):
            if name in widgets and index not in wired:
                self._later.append((node, index, widgets[name]))

    def _read_outputs(self, node: Node, count: int) -> None:
        shown = self._setting(node).output
        used = {wire.slot for wire in self._wires if str(wire.source) == node.key}
        for slot in range(count):
            inner = slot in used and (int(node.key), slot) not in self._external
            wanted = shown.get(str(slot), _Shown()).visible
            if not inner if wanted is None else wanted:
                self._connect(f"out{self._outputs}", node.key, slot, OUTPUT_NODE, self._outputs)
                self._outputs += 1

    def _enter(self, node: Node, index: int) -> None:
        number = len(self._inputs)
        self._connect(f"in{number}", INPUT_NODE, number, node.key, index)
        self._inputs.append(Slot(name=f"in{number}"))

    def _connect(self, name: str, origin: str, slot: int, target: str, target_slot: int) -> None:
        link = Link(
            id=name, origin_id=origin, origin_slot=slot, target_id=target, target_slot=target_slot
        )
        self._links.append(link)

    def _wired(self, node: Node) -> set[int]:
        return {wire.target_slot for wire in self._wires if str(wire.target) == node.key}

    def _setting(self, node: Node) -> _Setting:
        return self._config.get(node.key, _Setting())

    def _linked(self, node: Node) -> Node:
        """Set the node's links: those it was saved with are of another place."""
        links = {link.target_slot: link.id for link in self._links if link.target == node.key}
        slots = [replace(slot, link=links.get(i)) for i, slot in enumerate(node.slots)]
        return replace(node, inputs=slots)


def _ends(external: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the outputs that lead out of a group although they are used inside.

    Some files have a whole node in the place of its number; the editor passes over it, too.
    """
    for end in external:
        match end:
            case [int(node), int(slot), kind, *_] if kind is not None:
                yield node, slot
