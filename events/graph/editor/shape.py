"""The shape of a graph as ComfyUI's editor saves it: nodes and links by id, level by level."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

INPUT_NODE = "-10"
"""Inside a subgraph: the links that begin here come from outside."""

OUTPUT_NODE = "-20"
"""Inside a subgraph: the links that end here lead outside."""

MUTED = 2
BYPASSED = 4

Id = int | str


class Slot(Struct, frozen=True, kw_only=True):
    """An input or output of a node, or of a subgraph."""

    name: str = ""
    type: Any = "*"
    link: Id | None = None
    widget: Any = None
    """Set on an input that stands for a widget."""

    links: list[Id] | None = None
    """Of an output."""

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
    type: Any = "*"

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
    broadcasts: list[Link] | None = None
    """Wires that the pack Use Everywhere draws when a run is queued; None if it saved none."""

    inputs: list[Slot] = []
    """Of a subgraph: what goes in."""

    outputs: list[Slot] = []
    """Of a subgraph: what comes out."""

    entries: dict[int, list[Link]] = {}
    """For each input of a subgraph, the links that begin there."""

    exits: dict[int, Link] = {}
    """For each output of a subgraph, the link that ends there."""


class SavedGraph(Struct, frozen=True, kw_only=True):
    """All that was saved."""

    root: Level
    subgraphs: dict[str, Level]
    """By the type that their nodes have."""

    groups: dict[str, Any]
    """Group nodes, the older way of folding, by name; as they were saved."""

    last_id: int = 0
    """The last id that was given to a node when the graph was saved."""


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


def connects(first: str, second: str) -> bool:
    """Whether an output of one type may feed an input of the other."""
    if first in ("*", "") or second in ("*", ""):
        return True
    return not set(first.lower().split(",")).isdisjoint(second.lower().split(","))
