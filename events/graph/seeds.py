"""Seeds: another picture for every run, and the same picture for every attempt of one run."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.errors import InvalidGraph
from events.graph.editor.classes import Classes
from events.graph.editor.plugin import PLUGIN_INFOS
from events.graph.editor.seeds import Held, Place, find_holders
from events.graph.editor.shape import Node
from events.graph.editor.widgets import read_node
from events.graph.externals.classes import EXTERNALS, SEED_PLACE, InputKind, bounds_of
from events.graph.nodes import Graph
from events.graph.object_info import Infos

_NAMES = frozenset({"seed", "noise_seed"})
_RANDOM = ("randomize", True)
_FIXED = ("fixed", False)
"""In files of 2023 the word behind a seed was a switch."""

_LEAST = 10**14
_MOST = 10**15 - 1
"""Seeds have 15 digits, as those of the ComfyUI plugin: exact in a JavaScript number."""


class Range(Struct, frozen=True):
    """The whole numbers that an input takes."""

    least: int = -(2**63)
    most: int = 2**64 - 1

    def within(self, least: int, most: int) -> "Range":
        """Narrow it to what is also within these limits; keep it where nothing is left."""
        low, high = max(self.least, least), min(self.most, most)
        return Range(low, high) if low <= high else self

    @property
    def seeds(self) -> "Range":
        """The numbers that are taken for seeds: those of 15 digits where all of them fit."""
        if self.least <= _LEAST and self.most >= _MOST:
            return Range(_LEAST, _MOST)
        return self.within(0, _MOST)


ANY = Range()


def choose_seeds(
    graph: Graph, run_id: UUID, *, infos: Infos, ui_graph: Mapping[str, Any] | None = None
) -> dict[Place, int]:
    """Choose the seeds that the author left to chance; one that is linked was chosen by someone.

    Each lies within the limits of its class, which a machine's *infos* tell. Seeds that the editor
    shows as one are one.
    """
    classes = Classes({**PLUGIN_INFOS, **infos})
    places = [*_numbers(graph)]
    held = _holders(ui_graph, classes) if ui_graph and places else {}
    holders: dict[Place, Place] = {}
    ranges: dict[Place, Range] = {}
    for place in places:
        by = held.get(place, Held(place))
        limits = _limits(graph[place[0]], place[1], classes) if _is_free(place, by.word) else None
        if limits:
            holders[place] = by.holder
            known = ranges.get(by.holder)
            ranges[by.holder] = known.within(limits.least, limits.most) if known else limits
    chosen = {place: seed_for(run_id, holder, ranges[holder]) for place, holder in holders.items()}
    return chosen | _external_seeds(graph, run_id)


def named_seeds(graph: Graph) -> list[Place]:
    """Return the inputs that are seeds by their names alone."""
    named = [place for place in _numbers(graph) if place[1] in _NAMES]
    return named + [(node_id, SEED_PLACE) for node_id, _ in _seed_nodes(graph)]


def seed_for(run_id: UUID, holder: Place, limits: Range = ANY) -> int:
    """Derive the seed that a run uses at one place."""
    digest = sha256(f"{run_id}\x1f{holder[0]}\x1f{holder[1]}".encode()).digest()
    seeds = limits.seeds
    return seeds.least + int.from_bytes(digest[:16], "big") % (seeds.most - seeds.least + 1)


def _external_seeds(graph: Graph, run_id: UUID) -> dict[Place, int]:
    """Choose for every external seed, in case that it is not named: nodes of one name alike."""
    chosen: dict[Place, int] = {}
    for node_id, node in _seed_nodes(graph):
        low, high = bounds_of(node)
        limits = Range().within(int(low or 0), int(high or 0))
        holder = ("", node["inputs"]["input_id"])
        chosen[node_id, SEED_PLACE] = seed_for(run_id, holder, limits)
    return chosen


def _seed_nodes(graph: Graph) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((node_id, node) for node_id, node in graph.items() if _is_seed(node))


def _is_seed(node: Mapping[str, Any]) -> bool:
    external = EXTERNALS.get(node.get("class_type", ""))
    return external is not None and external.kind is InputKind.SEED


def _numbers(graph: Graph) -> Iterator[Place]:
    for node_id, node in graph.items():
        if _is_seed(node):
            continue  # Its other numbers are its limits.
        for name, value in node["inputs"].items():
            if isinstance(value, int) and not isinstance(value, bool):
                yield node_id, name


def _is_free(place: Place, word: object) -> bool:
    """Whether chance decides: the editor's word does, and where it said none, the name."""
    if word in _FIXED:
        return False
    return place[1] in _NAMES or word in _RANDOM


def _holders(ui_graph: Mapping[str, Any], classes: Classes) -> Mapping[Place, Held]:
    try:
        return find_holders(ui_graph, classes)
    except InvalidGraph:
        return {}  # It was pushed beside the graph that runs, and was not read.


def _limits(node: Mapping[str, Any], name: str, classes: Classes) -> Range | None:
    """Return the range of an input; None if its class wants no whole number there."""
    node_class = classes.get(node["class_type"])
    values = node["inputs"]
    widgets = (
        read_node(node_class, Node(type="", widgets_values=values)).widgets if node_class else {}
    )
    widget = widgets.get(name)
    if widget is None:
        return ANY
    if widget.type != "INT":
        return None
    least = ANY.least if widget.least is None else widget.least
    most = ANY.most if widget.most is None else widget.most
    return Range(least, most) if least <= most else ANY
