"""Finds who holds an input's value in the editor, and what it does with the value after a run.

As the editor has it: the word behind a widget counts where the widget holds its value itself. A
primitive has a word of its own, for every widget that it is wired to. A subgraph box has none: the
word of the first widget inside that an input of the box leads to counts for all of them. A group
node, which is older, has the words of all the widgets inside it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from events.graph.editor.classes import Classes
from events.graph.editor.groups import PRIMITIVE
from events.graph.editor.ids import with_unique_ids
from events.graph.editor.nodes import widget_name
from events.graph.editor.reading import read_saved
from events.graph.editor.scopes import Scope, unfold
from events.graph.editor.shape import INPUT_NODE, Link, Node, Slot
from events.graph.editor.widgets import is_control

Place = tuple[str, str]
"""A node by its id in API format, and the name of an input or widget of it."""


class Held(Struct, frozen=True):
    """Where a value is held."""

    holder: Place
    word: object = None
    """What becomes of it after a run: "fixed", "randomize", …; None if nothing was saved."""


def find_holders(ui_graph: Mapping[str, Any], classes: Classes) -> dict[Place, Held]:
    """Find the holder of every number that a widget has.

    Raises:
        InvalidGraph: it cannot be read.

    """
    root = unfold(with_unique_ids(read_saved(ui_graph)), classes)
    return {
        (scope.id_of(node), name): _held(scope, node, name)
        for scope, node in root.walk()
        for name in _whole_numbers(scope, node)
    }


def _whole_numbers(scope: Scope, node: Node) -> list[str]:
    reading = scope.readings.get(node.key)
    widgets = reading.widgets.values() if reading else ()
    return [widget.name for widget in widgets if widget.type == "INT"]


def _held(scope: Scope, node: Node, name: str) -> Held:
    saved = scope.readings[node.key].words.get(name)
    own = Held((scope.id_of(node), name), scope.words.get((node.key, name), saved))
    slot = next((s for s in node.slots if s.widget and widget_name(s) == name), None)
    link = _link(scope, slot)
    if link is None:
        return own
    if link.origin == INPUT_NODE:
        return _held_outside(scope, link.origin_slot) or own
    origin = scope.level.nodes.get(link.origin)
    return _held_by(scope, origin) if origin and origin.type == PRIMITIVE else own


def _held_by(scope: Scope, primitive: Node) -> Held:
    values = primitive.widgets_values
    words = values[1:2] if isinstance(values, list) else []
    saved = next(filter(is_control, words), None)
    word = scope.words.get((primitive.key, "value"), saved)
    return Held((scope.id_of(primitive), "value"), word)


def _held_outside(scope: Scope, number: int) -> Held | None:
    """Go out of boxes, to the one whose own input holds the value; None if something else does."""
    if scope.host is None or scope.parent is None or not 0 <= number < len(scope.host.slots):
        return None
    slot = scope.host.slots[number]
    if slot.link is None:
        return Held((":".join(scope.path), slot.name), next(_words_inside(scope, number), None))
    link = _link(scope.parent, slot)
    if link and link.origin == INPUT_NODE:
        return _held_outside(scope.parent, link.origin_slot)
    return None


def _words_inside(scope: Scope, number: int) -> Iterator[object]:
    """Yield the words of the widgets that an input of a box leads to."""
    for link in scope.level.entries.get(number, ()):
        node = scope.level.nodes.get(link.target)
        slots = node.slots if node else []
        at = next((i for i, slot in enumerate(slots) if str(slot.link) == str(link.id)), None)
        if node is None or at is None:
            continue
        if node.key in scope.inner:
            yield from _words_inside(scope.inner[node.key], at)
        elif (reading := scope.readings.get(node.key)) and widget_name(
            slots[at]
        ) in reading.widgets:
            yield reading.words.get(widget_name(slots[at]))


def _link(scope: Scope, slot: Slot | None) -> Link | None:
    if slot is None or slot.link is None:
        return None
    return scope.level.links.get(str(slot.link))
