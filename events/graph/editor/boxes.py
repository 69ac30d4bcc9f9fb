"""The values that a subgraph box holds for the widgets inside it.

A box has one value for each input of its definition that leads to a widget, in the definition's
order, whether the file lists the input or not and whether it is wired or not. Where nothing was
saved, the value is that of the widget inside. Older files name the widgets themselves: those
values are laid over the ones by position, as today's editor does when it opens such a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from msgspec import UNSET, Struct
from msgspec.structs import replace

from events.graph.editor.classes import first_option
from events.graph.editor.nodes import Built, Definitions, widget_name
from events.graph.editor.proxies import (
    BORDER,
    Place,
    Primitives,
    quarantined,
    shown,
    stripped,
)
from events.graph.editor.shape import Link, Node


class Leaf(Struct, frozen=True, kw_only=True):
    """The widget that an input of a definition leads to, and what it holds inside."""

    place: Place
    value: object
    first: object
    """What the editor takes for nothing: the first option of a combo."""


class Held(Struct, frozen=True, kw_only=True):
    """What a box holds."""

    by_input: Mapping[int, object]
    """By the number of the definition's input."""

    by_place: Mapping[Place, object]
    """For widgets that no input leads to."""

    misled: str | None = None
    """A primitive that the box shows and whose links the editor would lay wrongly."""


class Boxes:
    """The boxes of a graph; *definitions* are the insides, by the type that their boxes have."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._leaves: dict[str, dict[int, Leaf]] = {}
        self._held: dict[int, Held] = {}
        """By what the boxes are, which live as long as their definitions."""

        self._inner: dict[int, dict[str, Leaf]] = {}
        """Of boxes in boxes, by what they are and the names of their inputs."""

    def held(self, box: Node) -> Held:
        """Return what a box holds for the widgets inside it."""
        if id(box) not in self._held:
            self._held[id(box)] = self._hold(box)
        return self._held[id(box)]

    def _hold(self, box: Node) -> Held:
        definition = self._definitions[box.type]
        leaves = self._leaves_of(box.type)
        names = {number: definition.level.inputs[number].name for number in leaves}
        # Inputs of one name have one value.
        by_name = {names[number]: leaf.value for number, leaf in reversed(leaves.items())}
        by_name.update(_by_position(box, [*names.values()]))
        places = {leaf.place: names[number] for number, leaf in reversed(leaves.items())}
        places |= {(BORDER, name): name for name in by_name}
        primitives = Primitives(definition, shown(box))
        by_place = {}
        for place, value in self._proxied(box, definition, primitives):
            if place in places:
                by_name[places[place]] = value
            else:
                by_place[place] = value
        by_input = {n: _chosen(leaf, by_name[names[n]]) for n, leaf in leaves.items()}
        return Held(by_input=by_input, by_place=by_place, misled=primitives.misled)

    def _leaves_of(self, kind: str) -> dict[int, Leaf]:
        if kind not in self._leaves:
            self._leaves[kind] = {}  # A definition that contains itself is refused elsewhere.
            self._leaves[kind] = dict(self._find(self._definitions[kind]))
        return self._leaves[kind]

    def _find(self, definition: Built) -> Iterator[tuple[int, Leaf]]:
        for number in range(len(definition.level.inputs)):
            links = definition.level.entries.get(number, ())
            leaves = (self._leaf(definition, link) for link in links)
            if leaf := next((found for found in leaves if found), None):
                yield number, leaf

    def _leaf(self, definition: Built, link: Link) -> Leaf | None:
        node, slot = definition.level.nodes.get(link.target), definition.end(link)
        if node is None or slot is None:
            return None
        if node.type in self._definitions:
            return self._of_inner_box(node, slot.name)
        reading = definition.readings.get(node.key)
        name = widget_name(slot)
        if reading is None or name not in reading.widgets:
            return None
        first = first_option(reading.widgets[name])
        return Leaf(place=(node.key, name), value=reading.values.get(name, UNSET), first=first)

    def _of_inner_box(self, box: Node, name: str) -> Leaf | None:
        """Return the widget that an input of a box inside a box leads to."""
        if id(box) not in self._inner:
            held = self.held(box).by_input
            inputs = self._definitions[box.type].level.inputs
            self._inner[id(box)] = {
                inputs[n].name: replace(leaf, place=(box.key, inputs[n].name), value=held[n])
                for n, leaf in reversed(self._leaves_of(box.type).items())
            }
        return self._inner[id(box)].get(name)

    def _proxied(
        self, box: Node, definition: Built, primitives: Primitives
    ) -> Iterator[tuple[Place, object]]:
        """Yield the widgets that an older file names, with their values."""
        values = box.widgets_values if isinstance(box.widgets_values, list) else []
        entries = shown(box)
        waiting = set(primitives.fates)
        for entry, value in zip_longest(entries, values[: len(entries)]):
            if entry[0] not in primitives.fates:
                held = value
            elif entry[0] in waiting:  # Named twice, it counts once.
                waiting.discard(entry[0])
                held = primitives.held(entry[0], value)
            else:
                held = None
            if held is not None:
                yield self._place(definition, *entry), held

    def _place(self, definition: Built, key: str, name: str, via: str = "") -> Place:
        """Find what is meant: a widget, or the input of an inner box that leads to one."""
        node = definition.level.nodes.get(key)
        if node and node.type in self._definitions:
            return key, self._name_at_box(node.type, name, via)
        reading = definition.readings.get(key)
        return key, name if not reading or name in reading.widgets else stripped(name)[0]

    def _name_at_box(self, kind: str, name: str, via: str) -> str:
        """Return the name of an inner box's input, which may be named by its widget."""
        inputs = self._definitions[kind].level.inputs
        leaves = self._leaves_of(kind)
        if not any(inputs[number].name == name for number in leaves):
            name, deepest = stripped(name)
            via = deepest or via
        by_widget = [n for n, leaf in leaves.items() if leaf.place == (via, name)]
        by_name = [n for n in leaves if name in (inputs[n].name, leaves[n].place[1])]
        return next((inputs[n].name for n in [*by_widget, *by_name]), name)


def _chosen(leaf: Leaf, value: object) -> object:
    return leaf.first if value is None else value


def _by_position(box: Node, names: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Yield what was saved for each input that leads to a widget, by its name."""
    lost = quarantined(box)
    named = box.widgets_values_named if isinstance(box.widgets_values_named, dict) else {}
    values = box.widgets_values
    if not isinstance(values, list):
        values = [named.get(name, UNSET) for name in names]
    for place, name in enumerate(names):
        if name in lost:
            yield name, lost[name]
        elif place < len(values) and values[place] is not UNSET:
            yield name, values[place]
