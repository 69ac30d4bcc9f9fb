"""Draws the wires that the pack Use Everywhere adds when a run is queued.

The pack saves them in ``extra.ue_links`` of each level, by the number of the input. Its own nodes
that broadcast have no outputs: a machine that does not know them can do without.
"""

from collections import defaultdict
from collections.abc import Mapping

from msgspec.structs import replace

from events.errors import InvalidGraph, Problem
from events.ui_graph_shape import OUTPUT_NODE, Id, Level, Link, Node, Slot, connects

BROADCASTERS = frozenset(
    {"Anything Everywhere", "Anything Everywhere3", "Anything Everywhere?", "Prompts Everywhere"}
)


def with_broadcasts(level: Level, nodes: Mapping[str, Node]) -> Level:
    """Return the level with these nodes, wired as the pack would.

    Raises:
        InvalidGraph: a wire leads to no input, or the file has none although a node broadcasts.

    """
    _refuse_unsaved(level)
    drawn = {str(link.id): link for link in level.broadcasts or ()}
    ends: defaultdict[str, dict[str, Id]] = defaultdict(dict)
    for link in drawn.values():
        if node := nodes.get(link.target):
            slot = _slot(level.nodes[link.target], node, link)
            if slot is None or not connects(str(slot.type), str(link.type)):
                raise InvalidGraph(problems=[_misses(level, node, link)])
            ends[link.target][slot.name] = link.id
    wired = {key: _wired(nodes[key], links) for key, links in ends.items()}
    exits = {link.target_slot: link for link in drawn.values() if link.target == OUTPUT_NODE}
    return replace(
        level,
        nodes={**nodes, **wired},
        links={**level.links, **drawn},
        exits={**exits, **level.exits},
    )


def _wired(node: Node, links: Mapping[str, Id]) -> Node:
    slots = [replace(s, link=links[s.name]) if s.name in links else s for s in node.slots]
    return replace(node, inputs=slots)


def _slot(saved: Node, built: Node, link: Link) -> Slot | None:
    """Find an input by its number, which counts those that an export leaves out."""
    number = link.target_slot
    if len(saved.slots) == len(built.slots) and 0 <= number < len(saved.slots):
        return saved.slots[number]
    return built.slots[number] if 0 <= number < len(built.slots) else None


def _refuse_unsaved(level: Level) -> None:
    if level.broadcasts is None:
        problems = [
            _problem(level, node, "ui_broadcast_unsaved")
            for node in level.nodes.values()
            if node.type in BROADCASTERS and node.active and any(s.link for s in node.slots)
        ]
        if problems:
            raise InvalidGraph(problems=problems)


def _misses(level: Level, node: Node, link: Link) -> Problem:
    params = {"slot": str(link.target_slot), "type": str(link.type)}
    return _problem(level, node, "ui_broadcast_misses", **params)


def _problem(level: Level, node: Node, code: str, **params: str) -> Problem:
    told = {"node": node.key, "class_type": node.type, **params}
    return Problem(code=code, pointer=level.pointers[node.key], params=told)
