"""Builds saved nodes as the editor does: with the inputs of their class, in the class's order.

Saved inputs are found by name. A file may lack some (an export leaves out those that only stand for
a widget), have them in another order, or have some that the machine's version of the class lost.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from events.graph.editor.broadcasts import with_broadcasts
from events.graph.editor.classes import DYNAMIC_COMBO, Classes
from events.graph.editor.shape import Level, Link, Node, Slot
from events.graph.editor.widgets import Reading, read_node


class Built(Struct, frozen=True, kw_only=True):
    """One level of a graph, with its nodes as the editor builds them."""

    level: Level
    readings: Mapping[str, Reading]
    """The widgets of each node whose class is known."""

    ends: Mapping[tuple[str, str], Slot]
    """The input that a link leads to, by the node and the link."""

    leaving: Mapping[str, list[Link]]
    """The links that begin at a node."""

    def end(self, link: Link) -> Slot | None:
        """Return the input that a link leads to; None if there is none."""
        return self.ends.get((link.target, str(link.id)))


class Definitions:
    """What is inside the boxes of subgraphs; built when it is first asked for."""

    def __init__(self, levels: Mapping[str, Level], classes: Classes) -> None:
        self._levels = levels
        self._classes = classes
        self._built: dict[str, Built] = {}

    def __contains__(self, kind: str) -> bool:
        """Whether nodes of this type are boxes of a subgraph."""
        return kind in self._levels

    def __getitem__(self, kind: str) -> Built:
        """Return the inside of the boxes of a type."""
        if kind not in self._built:
            self._built[kind] = build(self._levels[kind], self._classes, self._levels)
        return self._built[kind]


def build(level: Level, classes: Classes, boxes: Mapping[str, Level]) -> Built:
    """Build the nodes of a level; *boxes* are the definitions of subgraphs."""
    nodes: dict[str, Node] = {}
    readings: dict[str, Reading] = {}
    for key, node in level.nodes.items():
        node_class = classes.get(node.type)
        if node.type in boxes:
            nodes[key] = replace(node, inputs=_merged(boxes[node.type].inputs, node.slots, None))
        elif node_class is None:
            nodes[key] = node
        else:
            readings[key] = reading = read_node(node_class, node)
            nodes[key] = replace(node, inputs=_merged(node_class.slots, node.slots, reading))
    wired = with_broadcasts(level, nodes)
    leaving = defaultdict(list)
    for link in wired.links.values():
        leaving[link.origin].append(link)
    ends = {
        (key, str(slot.link)): slot
        for key, node in wired.nodes.items()
        for slot in node.slots
        if slot.link is not None
    }
    return Built(level=wired, readings=readings, ends=ends, leaving=leaving)


def _merged(declared: Sequence[Slot], saved: Sequence[Slot], reading: Reading | None) -> list[Slot]:
    links = {slot.name: slot.link for slot in saved}
    names = {slot.name for slot in declared}
    own = [replace(s, link=links[s.name]) if s.name in links else s for s in declared]
    return [*own, *(s for s in saved if reading and s.name not in names and _stays(s, reading))]


def _stays(slot: Slot, reading: Reading) -> bool:
    """Whether the editor keeps an input that the class does not name."""
    if slot.widget is not None:
        return widget_name(slot) in reading.widgets
    choices = (name for name, w in reading.widgets.items() if w.type == DYNAMIC_COMBO)
    chosen = not any(slot.name.startswith(f"{name}.") for name in choices)
    return chosen or slot.name in reading.sockets


def widget_name(slot: Slot) -> str:
    """Return the name of the widget that an input stands for."""
    locator: Any = slot.widget
    named = locator.get("name") if isinstance(locator, Mapping) else None
    return str(named or slot.name)
