"""Unfolds the subgraphs and group nodes of a saved graph: a scope for each one that is in use."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

from msgspec import UNSET

from events.errors import InvalidGraph, Problem
from events.graph import MAX_NODES
from events.ui_graph_groups import Group, group_name, read_group
from events.ui_graph_shape import Level, Node, SavedGraph
from events.ui_graph_widgets import Info, Saved, widgets_of

Infos = Mapping[str, Info | None]

SETTER = "SetNode"
"""Names a wire: it comes out again wherever a getter of that name is."""

MAX_SLOTS = 10 * MAX_NODES
"""Inputs of all nodes together."""


class Scope:
    """The whole graph, or the inside of one subgraph node."""

    def __init__(self, level: Level, path: tuple[str, ...] = ()) -> None:
        self.level = level
        self.path = path
        """The subgraph nodes that lead here, from the outside in."""

        self.parent: Scope | None = None
        self.host: Node | None = None
        """The subgraph node whose inside this is."""

        self.host_slots: list[int] = []
        """For each input of the inside, which input of the host it is; -1: the host has none."""

        self.promoted: dict[int, object] = {}
        """Values that the host has for inputs of the inside."""

        self.overrides: dict[tuple[str, str], object] = {}
        """Values that the host has for widgets inside, by node and widget."""

        self.inner: dict[str, Scope] = {}
        """What is inside the subgraph nodes of this level."""

    @cached_property
    def setters(self) -> Mapping[str, Node]:
        """The setters of this level by the names that they give; of two with one name the first."""
        setters = [node for node in self.level.nodes.values() if node.type == SETTER]
        return {wire_name(node): node for node in reversed(setters)}

    def id_of(self, node: Node) -> str:
        """Name a node as ComfyUI does: 12:5 is node 5 inside node 12."""
        return ":".join((*self.path, node.key))

    def pointer_to(self, node: Node) -> str:
        """Point at a node in what was sent."""
        return self.level.pointers[node.key]

    def problem(self, node: Node, code: str, **params: str) -> Problem:
        """Say what is wrong with a node."""
        told = {"node": self.id_of(node), "class_type": node.type, **params}
        return Problem(code=code, pointer=self.pointer_to(node), params=told)

    def walk(self) -> "Iterator[tuple[Scope, Node]]":
        """Yield every node of this level, then those further inside."""
        for node in self.level.nodes.values():
            yield self, node
        for scope in self.inner.values():
            yield from scope.walk()


def wire_name(node: Node) -> str:
    """Give the name of the wire that a setter or getter stands for."""
    values = node.widgets_values
    return str(values[0]) if isinstance(values, list) and values else ""


def unfold(saved: SavedGraph, infos: Infos) -> Scope:
    """Give the scope of the whole graph, with all that is inside.

    Raises:
        InvalidGraph: a subgraph contains itself, is not defined, or there is too much of it.

    """
    return _Unfolding(saved, infos).root()


class _Unfolding:
    def __init__(self, saved: SavedGraph, infos: Infos) -> None:
        self._saved = saved
        self._infos = infos
        self._groups: dict[str, Group] = {}
        self._count = self._slots = 0

    def root(self) -> Scope:
        scope = Scope(self._saved.root)
        self._fill(scope, ())
        return scope

    def _fill(self, scope: Scope, inside: tuple[str, ...]) -> None:
        """Unfold the subgraph nodes of a level; *inside* names the types that we are in."""
        nodes = scope.level.nodes.values()
        self._count += len(nodes)
        self._slots += sum(len(node.slots) for node in nodes)
        _limit("graph_too_large", self._count, MAX_NODES)
        _limit("ui_inputs_too_many", self._slots, MAX_SLOTS)
        for node in nodes:
            if node.active and self._folds(node, scope):
                if node.type in inside:
                    raise InvalidGraph(problems=[scope.problem(node, "ui_subgraph_recursion")])
                scope.inner[node.key] = self._inside(scope, node)
                self._fill(scope.inner[node.key], (*inside, node.type))

    def _folds(self, node: Node, scope: Scope) -> bool:
        """Whether there is something inside a node."""
        if node.type in self._saved.subgraphs or group_name(node.type) in self._saved.groups:
            return True
        if group_name(node.type):
            raise InvalidGraph(problems=[scope.problem(node, "ui_group_missing")])
        if node.type not in self._infos and _is_uuid(node.type):
            raise InvalidGraph(problems=[scope.problem(node, "ui_subgraph_missing")])
        return False

    def _inside(self, scope: Scope, node: Node) -> Scope:
        if node.type in self._saved.subgraphs:
            inside = Scope(self._saved.subgraphs[node.type], (*scope.path, node.key))
            _promote(inside, node, self._infos)
        else:
            group = self._group(group_name(node.type))
            inside = Scope(group.level, (*scope.path, node.key))
            _apply_group(inside, node, group, scope)
        inside.parent, inside.host = scope, node
        return inside

    def _group(self, name: str) -> Group:
        if name not in self._groups:
            self._groups[name] = read_group(name, self._saved.groups[name], self._infos)
        return self._groups[name]


def _promote(inside: Scope, host: Node, infos: Infos) -> None:
    """Take over what a subgraph node says of the widgets inside it."""
    names = {slot.name: index for index, slot in enumerate(host.slots)}
    declared = {slot.name: index for index, slot in enumerate(inside.level.inputs)}
    inside.host_slots = [names.get(slot.name, -1) for slot in inside.level.inputs]
    entries = _proxied(host) or [("-1", s.name) for s in host.slots if s.widget is not None]
    saved = Saved(host.widgets_values)
    # Some editors save a value for what follows a seed as well; then there are more values.
    with_controls = len(saved.rest) > len(entries)
    for node_key, name in entries:
        value = saved.take(name)
        index = declared.get(name) if node_key == "-1" else None
        target = (node_key, name) if index is None else _target(inside.level, index)
        if value is not UNSET and value is not None:
            if index is None:
                inside.overrides[node_key, name] = value
            else:
                inside.promoted[index] = value
        if with_controls and target:
            _skip_control(saved, inside.level, target, infos)


def _proxied(host: Node) -> list[tuple[str, str]]:
    """Read which widgets of the inside a subgraph node shows: of a node, or of its own input."""
    properties = host.properties if isinstance(host.properties, dict) else {}
    listed: Any = properties.get("proxyWidgets")
    entries = listed if isinstance(listed, list) else []
    return [(str(e[0]), str(e[1])) for e in entries if isinstance(e, list) and len(e) > 1]


def _target(level: Level, index: int) -> tuple[str, str] | None:
    """Give the node and widget that an input of the inside leads to."""
    link = level.entries.get(index)
    node = level.nodes.get(link.target) if link else None
    if link and node and 0 <= link.target_slot < len(node.slots):
        return node.key, node.slots[link.target_slot].name
    return None


def _skip_control(saved: Saved, level: Level, target: tuple[str, str], infos: Infos) -> None:
    node = level.nodes.get(target[0])
    info = infos.get(node.type) if node else None
    if node and info and (widget := widgets_of(info, node.slots).get(target[1])):
        saved.skip_control(widget)


def _apply_group(inside: Scope, host: Node, group: Group, scope: Scope) -> None:
    """Take over what a group node says of its inputs and widgets."""
    plain = [index for index, slot in enumerate(host.slots) if slot.widget is None]
    converted = [index for index, slot in enumerate(host.slots) if slot.widget is not None]
    wanted = len(group.level.inputs)
    ordered = [*plain[: group.sockets], *converted]
    inside.host_slots = (ordered + [-1] * wanted)[:wanted]
    saved = Saved(host.widgets_values)
    for entry in group.widgets:
        value = saved.take(entry.widget.name)
        if value is not UNSET and value is not None:
            inside.overrides[entry.node, entry.widget.name] = value
        saved.skip_control(entry.widget)
        if entry.upload_follows:
            saved.skip_upload()
    if any(saved.rest):
        params = {"count": str(len(saved.rest)), "known": str(len(group.widgets))}
        raise InvalidGraph(problems=[scope.problem(host, "ui_widgets_surplus", **params)])


def _limit(code: str, count: int, limit: int) -> None:
    if count > limit:
        params = {"count": str(count), "limit": str(limit)}
        raise InvalidGraph(problems=[Problem(code=code, params=params)])


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
