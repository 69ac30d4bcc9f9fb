"""Draws the wires that the pack Use Everywhere adds when a run is queued.

The pack saves them in ``extra.ue_links`` of each level, by the number of the input. Its own nodes
that broadcast have no outputs: a machine that does not know them can do without.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from events.errors import InvalidGraph, Problem
from events.graph.editor.shape import OUTPUT_NODE, Id, Level, Link, Node, connects

BROADCASTERS = frozenset(
    {"Anything Everywhere", "Anything Everywhere3", "Anything Everywhere?", "Prompts Everywhere"}
)

SEED_BROADCASTER = "Seed Everywhere"
"""Broadcasts its own output, to the inputs for seeds; a machine must know it."""


def with_broadcasts(level: Level, nodes: Mapping[str, Node]) -> Level:
    """Return the level with these nodes, wired as the pack would.

    Raises:
        InvalidGraph: a wire leads to no input, or the file has none although a node broadcasts.

    """
    _refuse_unsaved(level)
    drawn = {str(link.id): link for link in level.broadcasts or ()}
    to_nodes: defaultdict[str, list[Link]] = defaultdict(list)
    for link in drawn.values():
        to_nodes[link.target].append(link)
    wired = {
        key: _wired(level, nodes[key], links) for key, links in to_nodes.items() if key in nodes
    }
    exits = {link.target_slot: link for link in drawn.values() if link.target == OUTPUT_NODE}
    return replace(
        level,
        nodes={**nodes, **wired},
        links={**level.links, **drawn},
        exits={**exits, **level.exits},
    )


def _wired(level: Level, node: Node, links: Sequence[Link]) -> Node:
    saved = level.nodes[node.key].slots
    by_name = {slot.name: slot for slot in node.slots}
    # The number counts those inputs, too, that an export leaves out.
    counted = saved if len(saved) == len(node.slots) else node.slots
    ends: dict[str, Id] = {}
    for link in links:
        within = 0 <= link.target_slot < len(counted)
        slot = by_name.get(counted[link.target_slot].name) if within else None
        if slot is None or not connects(str(slot.type), str(link.type)):
            raise InvalidGraph(problems=[_misses(level, node, link)])
        ends[slot.name] = link.id
    slots = [replace(s, link=ends[s.name]) if s.name in ends else s for s in node.slots]
    return replace(node, inputs=slots)


def _refuse_unsaved(level: Level) -> None:
    if level.broadcasts is None:
        problems = [
            _problem(level, node, "ui_broadcast_unsaved")
            for node in level.nodes.values()
            if node.active and _broadcasts(node)
        ]
        if problems:
            raise InvalidGraph(problems=problems)


def _broadcasts(node: Node) -> bool:
    fed = node.type in BROADCASTERS and any(slot.link for slot in node.slots)
    return fed or node.type == SEED_BROADCASTER


def _misses(level: Level, node: Node, link: Link) -> Problem:
    params = {"slot": str(link.target_slot), "type": str(link.type)}
    return _problem(level, node, "ui_broadcast_misses", **params)


def _problem(level: Level, node: Node, code: str, **params: str) -> Problem:
    details = {"node": node.key, "class_type": node.type, **params}
    return Problem(code=code, pointer=level.pointers[node.key], params=details)
