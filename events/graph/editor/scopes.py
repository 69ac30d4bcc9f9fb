"""Unfolds the subgraphs and group nodes of a saved graph: a scope for each one that is in use."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from events.errors import InvalidGraph, Problem
from events.graph.check import MAX_NODES
from events.graph.editor.boxes import Boxes
from events.graph.editor.classes import Classes
from events.graph.editor.groups import Group, group_name, read_group
from events.graph.editor.ids import highest_id
from events.graph.editor.nodes import Built, Definitions, build
from events.graph.editor.proxies import Place
from events.graph.editor.shape import Node, SavedGraph, Slot
from events.graph.editor.widgets import Saved

SETTER = "SetNode"
"""Names a wire: it comes out again wherever a getter of that name is."""

MAX_SLOTS = 10 * MAX_NODES
"""Inputs of all nodes together."""


class Scope:
    """The whole graph, or the inside of one box: of a subgraph or a group."""

    def __init__(self, built: Built, path: tuple[str, ...] = ()) -> None:
        self.built = built
        self.level = built.level
        self.readings = built.readings
        self.path = path
        """The boxes that lead here, from the outside in."""

        self.parent: Scope | None = None
        self.host: Node | None = None
        """The box whose inside this is; its inputs are those of the inside, in order."""

        self.by_input: Mapping[int, object] = {}
        """What the box holds for inputs of the inside that are not wired."""

        self.by_place: Mapping[Place, object] = {}
        """What the box holds for widgets inside that no input leads to."""

        self.words: dict[Place, object] = {}
        """What becomes of those after a run, where a group node says it."""

        self.aliases: Mapping[str, str] = {}
        """Ids of nodes that have another one in what was saved, by that."""

        self.inner: dict[str, Scope] = {}
        """What is inside the boxes of this level."""

    @cached_property
    def setters(self) -> Mapping[str, Node]:
        """The setters of this level by the names that they give; of two with one name the first."""
        setters = [node for node in self.level.nodes.values() if node.type == SETTER]
        return {wire_name(node): node for node in reversed(setters)}

    def id_of(self, node: Node) -> str:
        """Name a node as ComfyUI does: 12:5 is node 5 inside node 12."""
        return ":".join((*self.path, self.aliases.get(node.key, node.key)))

    def pointer_to(self, node: Node) -> str:
        """Point at a node in what was sent."""
        return self.level.pointers[node.key]

    def problem(self, node: Node, code: str, **params: str) -> Problem:
        """Record a problem of a node."""
        details = {"node": self.id_of(node), "class_type": node.type, **params}
        return Problem(code=code, pointer=self.pointer_to(node), params=details)

    def walk(self) -> "Iterator[tuple[Scope, Node]]":
        """Yield every node of this level, then those further inside."""
        for node in self.level.nodes.values():
            yield self, node
        for scope in self.inner.values():
            yield from scope.walk()


def wire_name(node: Node) -> str:
    """Return the name of the wire that a setter or getter stands for."""
    values = node.widgets_values
    return str(values[0]) if isinstance(values, list) and values else ""


def unfold(saved: SavedGraph, classes: Classes) -> Scope:
    """Return the scope of the whole graph, with all that is inside.

    Raises:
        InvalidGraph: a subgraph contains itself, is not defined, or there is too much of it.

    """
    _limit_size(saved)
    return _Unfolding(saved, classes).root()


class _Unfolding:
    def __init__(self, saved: SavedGraph, classes: Classes) -> None:
        self._saved = saved
        self._classes = classes
        self._definitions = Definitions(saved.subgraphs, classes)
        self._boxes = Boxes(self._definitions)
        self._groups: dict[str, tuple[Group, Built]] = {}
        self._last_id = highest_id(saved)
        self._count = self._links = 0

    def root(self) -> Scope:
        scope = Scope(build(self._saved.root, self._classes, self._saved.subgraphs))
        self._fill(scope, ())
        return scope

    def _fill(self, scope: Scope, inside: tuple[str, ...]) -> None:
        """Unfold the boxes of a level; *inside* names the types that we are in."""
        nodes = scope.level.nodes.values()
        self._count += len(nodes)
        self._links += len(scope.built.ends) + len(scope.level.inputs)
        _limit("graph_too_large", self._count, MAX_NODES)
        _limit("ui_inputs_too_many", self._links, MAX_SLOTS)
        for node in nodes:
            # The editor sends what is in a box that is muted or bypassed, but not at the top.
            if (node.active or scope.host) and self._folds(node, scope):
                if node.type in inside:
                    raise InvalidGraph(problems=[scope.problem(node, "ui_subgraph_recursion")])
                scope.inner[node.key] = inner = self._inside(scope, node)
                inner.parent = scope
                self._fill(inner, (*inside, node.type))

    def _folds(self, node: Node, scope: Scope) -> bool:
        """Whether there is something inside a node."""
        if node.type in self._saved.subgraphs or group_name(node.type) in self._saved.groups:
            return True
        if group_name(node.type):
            raise InvalidGraph(problems=[scope.problem(node, "ui_group_missing")])
        if self._classes.get(node.type) is None and _is_uuid(node.type):
            raise InvalidGraph(problems=[scope.problem(node, "ui_subgraph_missing")])
        return False

    def _inside(self, scope: Scope, node: Node) -> Scope:
        if node.type in self._definitions:
            return self._of_subgraph(scope, node)
        return self._of_group(scope, node)

    def _of_subgraph(self, scope: Scope, node: Node) -> Scope:
        held = self._boxes.held(node)
        if held.misled:
            problem = scope.problem(node, "ui_primitive_misled", primitive=held.misled)
            raise InvalidGraph(problems=[problem])
        inside = Scope(self._definitions[node.type], (*scope.path, node.key))
        inside.host = node
        shown = {
            number: scope.by_place[node.key, slot.name]
            for number, slot in enumerate(node.slots)
            if (node.key, slot.name) in scope.by_place
        }
        inside.by_input = {**held.by_input, **shown} if shown else held.by_input
        inside.by_place = held.by_place
        return inside

    def _of_group(self, scope: Scope, node: Node) -> Scope:
        group, built = self._group(group_name(node.type))
        inside = Scope(built, (*scope.path, node.key))
        if not scope.path:  # The editor makes a subgraph of it, and gives new ids.
            first = self._last_id + 1
            inside.aliases = {key: str(first + int(key)) for key in built.level.nodes}
            self._last_id = first + len(inside.aliases)
            inside.path = (str(self._last_id),)
        inside.host = _group_host(node, group)
        inside.by_place = dict(_held_by_group(node, group, inside.words, scope))
        return inside

    def _group(self, name: str) -> tuple[Group, Built]:
        if name not in self._groups:
            group = read_group(name, self._saved.groups[name], self._classes)
            self._groups[name] = group, build(group.level, self._classes, {})
        return self._groups[name]


def _group_host(host: Node, group: Group) -> Node:
    """Put a group node's inputs in the order of its inside: sockets, then widgets made inputs."""
    plain = [slot for slot in host.slots if slot.widget is None]
    converted = [slot for slot in host.slots if slot.widget is not None]
    wanted = len(group.level.inputs)
    ordered = [*plain[: group.sockets], *converted]
    return replace(host, inputs=(ordered + [Slot()] * wanted)[:wanted])


def _held_by_group(
    host: Node, group: Group, words: dict[Place, object], scope: Scope
) -> Iterator[tuple[Place, object]]:
    """Yield what a group node holds for the widgets inside it, and note the words behind that."""
    saved = Saved(host.widgets_values)
    for entry in group.widgets:
        value = saved.take(entry.widget.name)
        if value is not UNSET and value is not None:
            yield (entry.node, entry.widget.name), value
        saved.skip_control(entry.widget)
        if entry.widget.name in saved.words:
            words[entry.node, entry.widget.name] = saved.words.pop(entry.widget.name)
        if entry.upload_follows:
            saved.skip_upload()
    if any(saved.rest):
        params = {"count": str(len(saved.rest)), "known": str(len(group.widgets))}
        raise InvalidGraph(problems=[scope.problem(host, "ui_widgets_surplus", **params)])


def _limit_size(saved: SavedGraph) -> None:
    """Refuse what is too large before anything is built of it."""
    nodes = [n for level in (saved.root, *saved.subgraphs.values()) for n in level.nodes.values()]
    borders = {kind: len(level.inputs) for kind, level in saved.subgraphs.items()}
    _limit("graph_too_large", len(nodes), MAX_NODES)
    slots = sum(len(node.slots) + borders.get(node.type, 0) for node in nodes)
    _limit("ui_inputs_too_many", slots, MAX_SLOTS)


def _limit(code: str, count: int, limit: int) -> None:
    if count > limit:
        params = {"count": str(count), "limit": str(limit)}
        raise InvalidGraph(problems=[Problem(code=code, params=params)])


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
