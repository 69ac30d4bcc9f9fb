"""The values that a subgraph box holds for the widgets inside it.

A box has one value for each input of its definition that leads to a widget, in the definition's
order, whether the file lists the input or not and whether it is wired or not. Where nothing was
saved, the value is that of the widget inside. Older files name the widgets themselves: those
values are laid over the ones by position, as today's editor does when it opens such a file.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct

from events.ui_graph_classes import DYNAMIC_COMBO
from events.ui_graph_groups import PRIMITIVE
from events.ui_graph_nodes import Built, widget_name
from events.ui_graph_shape import Link, Node, Slot

BORDER = "-1"
"""Stands for the box itself where a list names the node of a widget."""

_IDS = re.compile(r"(?:\s*\d+\s*:)+\s*")

Place = tuple[str, str]
"""A node, and the name of a widget of it, or of an input if it is a box."""


class Leaf(Struct, frozen=True, kw_only=True):
    """The widget that an input of a definition leads to, and what it holds inside."""

    place: Place
    value: object


class Held(Struct, frozen=True, kw_only=True):
    """What a box holds."""

    by_input: Mapping[int, object]
    """By the number of the definition's input."""

    by_place: Mapping[Place, object]
    """For widgets that no input leads to."""


class Boxes:
    """The boxes of a graph; *definitions* are the insides, by the type that their boxes have."""

    def __init__(self, definitions: Mapping[str, Built]) -> None:
        self._definitions = definitions
        self._leaves: dict[str, dict[int, Leaf]] = {}

    def held(self, box: Node) -> Held:
        """Return what a box holds for the widgets inside it."""
        definition = self._definitions[box.type]
        leaves = self._leaves_of(box.type)
        names = {number: definition.level.inputs[number].name for number in leaves}
        by_input = {number: leaf.value for number, leaf in leaves.items()}
        by_input.update(_by_position(box, names))
        numbers = {leaf.place: number for number, leaf in reversed(leaves.items())}
        numbers |= {(BORDER, name): number for number, name in names.items()}
        by_place = {}
        for place, value in self._proxied(box, definition):
            if place in numbers:
                by_input[numbers[place]] = value
            else:
                by_place[place] = value
        return Held(by_input=by_input, by_place=by_place)

    def misled_primitive(self, box: Node) -> str | None:
        """Return a primitive that a box shows and whose wires the editor would lay wrongly.

        When it opens an older file, the editor gives the box an input in the primitive's place. It
        goes by the numbers of the inputs in the file, which may count others than it does itself.
        """
        definition = self._definitions[box.type]
        shown = (str(entry[0]) for entry in _listed(box, "proxyWidgets", _is_place))
        primitives = (key for key in shown if _is_primitive(definition.level.nodes.get(key)))
        return next((key for key in primitives if _is_misled(definition, key)), None)

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
        node = definition.level.nodes.get(link.target)
        slot = next((s for s in node.slots if str(s.link) == str(link.id)), None) if node else None
        if node is None or slot is None:
            return None
        if node.type in self._definitions:
            value = self._of_inner_box(node, slot.name)
            return None if value is None else Leaf(place=(node.key, slot.name), value=value[0])
        reading = definition.readings.get(node.key)
        name = widget_name(slot)
        if reading is None or name not in reading.widgets:
            return None
        return Leaf(place=(node.key, name), value=reading.values.get(name, UNSET))

    def _of_inner_box(self, box: Node, name: str) -> tuple[object] | None:
        """Return what a box inside a box holds for an input, if that leads to a widget."""
        inputs = self._definitions[box.type].level.inputs
        held = self.held(box).by_input
        return next(
            ((held[n],) for n, s in enumerate(inputs) if s.name == name and n in held), None
        )

    def _proxied(self, box: Node, definition: Built) -> Iterator[tuple[Place, object]]:
        """Yield the widgets that an older file names, with their values."""
        values = box.widgets_values if isinstance(box.widgets_values, list) else []
        for entry, value in zip(_listed(box, "proxyWidgets", _is_place), values, strict=False):
            if value is not None:
                yield self._place(definition, *entry), value

    def _place(self, definition: Built, key: str, name: str, via: str = "") -> Place:
        """Find what is meant: a widget, or the input of an inner box that leads to one."""
        node = definition.level.nodes.get(key)
        if node and node.type in self._definitions:
            return key, self._name_at_box(node.type, name, via)
        reading = definition.readings.get(key)
        return key, name if not reading or name in reading.widgets else _stripped(name)[0]

    def _name_at_box(self, kind: str, name: str, via: str) -> str:
        """Return the name of an inner box's input, which may be named by its widget."""
        inputs = self._definitions[kind].level.inputs
        leaves = self._leaves_of(kind)
        if not any(inputs[number].name == name for number in leaves):
            name, deepest = _stripped(name)
            via = deepest or via
        by_widget = [n for n, leaf in leaves.items() if leaf.place == (via, name)]
        by_name = [n for n in leaves if name in (inputs[n].name, leaves[n].place[1])]
        return next((inputs[n].name for n in [*by_widget, *by_name]), name)


def _is_primitive(node: Node | None) -> bool:
    return node is not None and node.type == PRIMITIVE


def _is_misled(definition: Built, primitive: str) -> bool:
    """Whether each wire could end where its number says, but not each belongs there."""
    links = [link for link in definition.level.links.values() if link.origin == primitive]
    ends = [(link, slot) for link in links if (slot := _numbered(definition, link))]
    able = all("*" in (slot.type, link.type) or slot.type == link.type for link, slot in ends)
    at_home = all(str(slot.link) == str(link.id) for link, slot in ends)
    return able and len(ends) == len(links) and not at_home


def _numbered(definition: Built, link: Link) -> Slot | None:
    """Return the input that a wire's number leads the editor to."""
    node, reading = definition.level.nodes.get(link.target), definition.readings.get(link.target)
    if node is None or reading is None:
        return None
    if any(widget.type == DYNAMIC_COMBO for widget in reading.widgets.values()):
        # Where a choice brings inputs, the editor numbers the wires anew.
        return next((slot for slot in node.slots if str(slot.link) == str(link.id)), None)
    return next(iter(node.slots[link.target_slot :]), None) if link.target_slot >= 0 else None


def _by_position(box: Node, names: Mapping[int, str]) -> Iterator[tuple[int, object]]:
    """Yield what was saved for each input that leads to a widget, by its number."""
    quarantined = _quarantined(box)
    named = box.widgets_values_named if isinstance(box.widgets_values_named, dict) else {}
    values = box.widgets_values
    if not isinstance(values, list):
        values = [named.get(name, UNSET) for name in names.values()]
    for place, (number, name) in enumerate(names.items()):
        if name in quarantined:
            yield number, quarantined[name]
        elif place < len(values) and values[place] is not UNSET:
            yield number, values[place]


def _quarantined(box: Node) -> Mapping[str, object]:
    """Return the values of inputs whose source was lost when the editor opened an older file."""
    entries = _listed(box, "proxyWidgetErrorQuarantine", _is_quarantined)
    return {
        entry["originalEntry"][1]: entry["hostValue"]
        for entry in reversed(entries)
        if entry["originalEntry"][0] == BORDER and entry.get("hostValue") is not None
    }


def _listed(box: Node, name: str, fits: Callable[[Any], bool]) -> Sequence[Any]:
    """Read a property that is a list, or one in JSON; all of it counts, or nothing."""
    listed: Any = box.properties.get(name) if isinstance(box.properties, dict) else None
    if isinstance(listed, str):
        try:
            listed = json.loads(listed)
        except (ValueError, RecursionError):
            return []
    return listed if isinstance(listed, list) and all(fits(entry) for entry in listed) else []


def _is_quarantined(entry: Any) -> bool:
    return isinstance(entry, dict) and _is_place(entry.get("originalEntry"))


def _is_place(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) in {2, 3}
        and all(isinstance(part, str) for part in entry)
    )


def _stripped(name: str) -> tuple[str, str]:
    """Take the ids off a name like "12: 5: text"; return the rest and the last id."""
    ids = _IDS.match(name)
    if not ids or not name[ids.end() :]:
        return name, ""
    return name[ids.end() :], ids.group().split(":")[-2].strip()
