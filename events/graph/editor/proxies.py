"""What older files say of a box: which widgets inside it shows, and values whose source was lost.

Today's editor turns such a list into inputs of the box when it opens the file. A primitive that a
box shows is replaced by an input, too.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from events.graph.editor.classes import DYNAMIC_COMBO
from events.graph.editor.groups import PRIMITIVE
from events.graph.editor.nodes import Built, widget_name
from events.graph.editor.shape import Link, Node, Slot

BORDER = "-1"
"""Stands for the box itself where a list names the node of a widget."""

Place = tuple[str, str]
"""A node, and the name of a widget of it, or of an input if it is a box."""

Entries = Sequence[list[str]]
"""Each a node, a widget, and sometimes the node that it belongs to further inside."""

_IDS = re.compile(r"(?:\s*\d+\s*:)+\s*")


def shown(box: Node) -> Entries:
    """Return the widgets that a box shows."""
    return _listed(box, "proxyWidgets", _is_place)


class Fate(Enum):
    """What becomes of a primitive that a box of an older file shows.

    When it opens the file, the editor gives the box an input in the primitive's place. It goes by
    the numbers of the inputs in the file, which may count others than it does itself.
    """

    STAYS = auto()
    MOVES = auto()
    MISLED = auto()


class Primitives:
    """The primitives among the widgets that a box shows."""

    def __init__(self, definition: Built, entries: Entries) -> None:
        self._definition = definition
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        for key, name, *_ in entries:
            node = definition.level.nodes.get(key)
            if node and node.type == PRIMITIVE:
                self._names[key].add(name)
        self.fates = {key: self._fate(key) for key in self._names}
        found = (key for key, fate in self.fates.items() if fate is Fate.MISLED)
        self.misled = next(found, None)

    def held(self, primitive: str, value: object) -> object:
        """Return what the box holds for a primitive: what was saved, or what is where it leads."""
        if self.fates[primitive] is not Fate.MOVES or value is not None:
            return value if self.fates[primitive] is Fate.MOVES else None
        first = self._definition.leaving[primitive][0]
        slot, reading = self._numbered(first), self._definition.readings.get(first.target)
        return reading.values.get(widget_name(slot)) if slot and reading else None

    def _fate(self, primitive: str) -> Fate:
        links = self._definition.leaving.get(primitive, [])
        ends = [(link, slot) for link in links if (slot := self._numbered(link))]
        able = all("*" in (slot.type, link.type) or slot.type == link.type for link, slot in ends)
        if len(self._names[primitive]) > 1 or not links or len(ends) < len(links) or not able:
            return Fate.STAYS
        at_home = all(slot is self._definition.end(link) for link, slot in ends)
        return Fate.MOVES if at_home else Fate.MISLED

    def _numbered(self, link: Link) -> Slot | None:
        """Return the input that a link's number leads the editor to."""
        node = self._definition.level.nodes.get(link.target)
        reading = self._definition.readings.get(link.target)
        if node is None or reading is None:
            return None
        if any(widget.type == DYNAMIC_COMBO for widget in reading.widgets.values()):
            # Where a choice brings inputs, the editor numbers the links anew.
            return self._definition.end(link)
        return node.slots[link.target_slot] if 0 <= link.target_slot < len(node.slots) else None


def quarantined(box: Node) -> Mapping[str, object]:
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


def stripped(name: str) -> tuple[str, str]:
    """Take the ids off a name like "12: 5: text"; return the rest and the last id."""
    ids = _IDS.match(name)
    if not ids or not name[ids.end() :]:
        return name, ""
    return name[ids.end() :], ids.group().split(":")[-2].strip()
