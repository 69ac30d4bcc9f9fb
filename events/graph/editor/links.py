"""Follows a wire of a saved graph back to the node that really feeds it, or to a constant.

On the way lie nodes that only the editor knows, nodes that are muted or bypassed, and the borders
of subgraphs.
"""

from collections.abc import Iterator, Sequence
from typing import NoReturn

from msgspec import UNSET, Struct

from events.errors import InvalidGraph
from events.graph.editor.classes import WIDGET_TYPES
from events.graph.editor.groups import PRIMITIVE, REROUTE
from events.graph.editor.scopes import SETTER, Scope, wire_name
from events.graph.editor.shape import BYPASSED, INPUT_NODE, MUTED, Link, Node, Slot, connects

GETTER = "GetNode"
"""A wire without a line: what goes into a setter comes out of every getter of that name."""

PASSING = frozenset({REROUTE, "Reroute (rgthree)", GETTER, SETTER})
SILENT = frozenset(
    {
        "Note",
        "MarkdownNote",
        "Label (rgthree)",
        "Bookmark (rgthree)",
        "Fast Groups Bypasser (rgthree)",
        "Fast Groups Muter (rgthree)",
    }
)
"""Nodes that are words or buttons for people."""

VIRTUAL = PASSING | SILENT | {PRIMITIVE}
"""Nodes that exist in the editor alone."""

SETTER_MISSING = "ui_setter_missing"
"""The code of a getter whose name no setter has."""

FARTHEST = 250
"""Most steps from an input to what feeds it; such detours are not drawn."""


class Source(Struct, frozen=True):
    """The output of a node."""

    node_id: str
    slot: int


class Constant(Struct, frozen=True):
    """A value, which a primitive or a subgraph's own widget holds."""

    value: object
    of_primitive: bool = False
    """A primitive puts its value into the widget itself."""


class _At(Struct, frozen=True):
    """Where the search stands: at an input or an output, for an input of type *type*."""

    scope: Scope
    node: Node
    slot: int
    is_output: bool = False
    type: str = ""


Found = Source | Constant | None


def feed_of(scope: Scope, node: Node, index: int) -> Found:
    """Find what feeds an input; None if nothing does.

    Raises:
        InvalidGraph: a wire leads nowhere, or in a circle.

    """
    start = _At(scope, node, index)
    here: _At | Found = _from_input(start)
    if isinstance(here, _At) and here.is_output and here.node.type == PRIMITIVE:
        return _primitive(here, node.slots[index])
    seen: set[tuple[int, str, int, bool]] = set()
    while isinstance(here, _At):
        place = (id(here.scope), here.node.key, here.slot, here.is_output)
        if place in seen or len(seen) == FARTHEST:
            _broken(start, "ui_link_recursion")
        seen.add(place)
        here = _from_output(here) if here.is_output else _from_input(here)
    return here


def _from_input(at: _At) -> _At | Found:
    slot = _slot(at.node.slots, at.slot)
    if slot is None:
        _broken(at, "ui_slot_missing")
    if slot.link is None:
        return None
    link = at.scope.level.links.get(str(slot.link))
    if link is None:
        _broken(at, "ui_link_missing", link=str(slot.link))
    return _origin(at, at.scope, link, at.type or str(slot.type))


def _origin(at: _At, scope: Scope, link: Link, wanted: str) -> _At | Found:
    """Go to the other end of a link of *scope*."""
    if scope.host and link.origin == INPUT_NODE:
        return _outside(at, scope, scope.host, link.origin_slot)
    origin = scope.level.nodes.get(link.origin)
    if origin is None:
        _broken(at, "link_broken", source=link.origin)
    return _At(scope, origin, link.origin_slot, is_output=True, type=wanted)


def _outside(at: _At, scope: Scope, host: Node, number: int) -> _At | Found:
    """Go out of a box through its input *number*."""
    slot = _slot(host.slots, number)
    if slot is None:
        _broken(at, "ui_slot_missing")
    if slot.link is None:
        value = scope.by_input.get(number, UNSET)
        return None if value is UNSET else Constant(value)
    assert scope.parent is not None  # a scope with a host has a parent
    return _At(scope.parent, host, number)


def _from_output(at: _At) -> _At | Found:
    node = at.node
    if node.mode == MUTED or node.type in SILENT or node.type == PRIMITIVE:
        return None
    if node.mode == BYPASSED:
        index = _way_through(node, at.slot, at.type)
        return None if index is None else _At(at.scope, node, index)
    if node.key in at.scope.inner:
        return _into(at)
    if node.type == GETTER:
        return _setter(at)
    if node.type in PASSING:
        return _At(at.scope, node, at.slot, type=at.type) if at.slot < len(node.slots) else None
    return Source(at.scope.id_of(node), at.slot)


def _primitive(at: _At, slot: Slot) -> Found:
    """Take the value of a primitive, which it gives to the widgets that it is wired to.

    It gives nothing to sockets, nor to widgets behind a reroute or a border: there the editor
    sends the widget's own value. It has a value only if its first wire leads to what is one.
    """
    held = at.scope.by_place.get((at.node.key, "value"), UNSET)
    if held is not UNSET:
        return Constant(held)
    values = at.node.widgets_values
    if slot.widget is None or not isinstance(values, list) or not values:
        return None
    return Constant(values[0], of_primitive=True) if _leads_to_widget(at.scope, at.node) else None


def _leads_to_widget(scope: Scope, primitive: Node) -> bool:
    listed = next((output.links for output in primitive.outputs or ()), None)
    first = scope.built.level.links.get(str(listed[0])) if listed else None
    if first is None:  # The file does not list the links.
        return True
    slot = scope.built.end(first)
    return slot is not None and (slot.widget is not None or str(slot.type) in WIDGET_TYPES)


def _into(at: _At) -> _At | Found:
    """Go into a subgraph through its output."""
    inside = at.scope.inner[at.node.key]
    link = inside.level.exits.get(at.slot)
    return None if link is None else _origin(at, inside, link, at.type)


def _setter(at: _At) -> _At:
    """Go to the setter of a getter's name: in the same level, or further out."""
    name = wire_name(at.node)
    scope = next((scope for scope in _outwards(at.scope) if name in scope.setters), None)
    if scope is None:
        _broken(at, SETTER_MISSING, name=name)
    return _At(scope, scope.setters[name], at.slot, type=at.type)


def _outwards(scope: Scope | None) -> Iterator[Scope]:
    while scope:
        yield scope
        scope = scope.parent


def _way_through(node: Node, slot: int, wanted: str) -> int | None:
    """Return the input of a bypassed node that takes the place of an output.

    The one beside it if its type fits, else the first of the same type, else the first that fits.
    """
    types = [str(s.type) for s in node.slots]
    if wanted in ("*", ""):
        return (slot if slot < len(types) else 0) if types else None
    output = _slot(node.outputs or [], slot)
    given = str(output.type) if output else "*"
    fits = [connects(t, given) and connects(t, wanted) for t in types]
    if slot < len(types) and fits[slot]:
        return slot
    if wanted in types:
        return types.index(wanted)
    return fits.index(True) if True in fits else None


def _slot(slots: Sequence[Slot], index: int) -> Slot | None:
    return slots[index] if 0 <= index < len(slots) else None


def _broken(at: _At, code: str, **params: str) -> NoReturn:
    slot = None if at.is_output else _slot(at.node.slots, at.slot)
    details = {"input": slot.name if slot else str(at.slot), **params}
    raise InvalidGraph(problems=[at.scope.problem(at.node, code, **details)])
