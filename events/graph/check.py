"""Checks whether a graph can be run at all, before anything is stored."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from events.errors import InvalidGraph, Problem
from events.graph.externals.classes import (
    EXTERNALS,
    LONGEST_NAME,
    MOST_INPUTS,
    InputKind,
    bounds_of,
    default_of,
)
from events.graph.externals.values import MOST_IMAGES, Unfit
from events.graph.inputs import item_name
from events.graph.nodes import Graph, links, pointer

MAX_NODES = 10_000
_NODE_KEYS = {"class_type", "inputs"}
_CYCLE_SHOWN = 20
"""Nodes of a cycle that a message names."""


def check_graph(graph: object) -> Graph:
    """Check a graph in API format and give it back.

    Raises:
        InvalidGraph: with every problem there is; pointers start at the graph.

    """
    nodes = _nodes_of(graph)
    sound: dict[str, Any] = {}
    problems: list[Problem] = []
    for node_id, node in nodes.items():
        problem = _shape_problem(node_id, node)
        if problem:
            problems.append(problem)
        else:
            sound[node_id] = node
    problems += [*_link_problems(nodes, sound), *_cycle_problems(sound), *_input_problems(sound)]
    if problems:
        raise InvalidGraph(problems=problems)
    return nodes


def _nodes_of(graph: object) -> Graph:
    if not isinstance(graph, dict) or not all(isinstance(key, str) for key in graph):
        raise InvalidGraph(problems=[Problem(code="graph_not_api_format")])
    if isinstance(graph.get("nodes"), list):
        raise InvalidGraph(problems=[Problem(code="graph_ui_format")])
    if not graph:
        raise InvalidGraph(problems=[Problem(code="graph_empty")])
    if len(graph) > MAX_NODES:
        params = {"count": str(len(graph)), "limit": str(MAX_NODES)}
        raise InvalidGraph(problems=[Problem(code="graph_too_large", params=params)])
    if not any(isinstance(node, dict) and _NODE_KEYS & node.keys() for node in graph.values()):
        raise InvalidGraph(problems=[Problem(code="graph_not_api_format")])
    return graph


def _shape_problem(node_id: str, node: object) -> Problem | None:
    params = {"node": node_id}
    if not isinstance(node, dict):
        return Problem(code="node_not_an_object", pointer=pointer(node_id), params=params)
    class_type = node.get("class_type")
    if not isinstance(class_type, str) or not class_type:
        where = pointer(node_id, "class_type")
        return Problem(code="node_without_class", pointer=where, params=params)
    if not isinstance(node.get("inputs"), dict):
        where = pointer(node_id, "inputs")
        return Problem(code="node_without_inputs", pointer=where, params=params)
    return None


def _link_problems(nodes: Graph, sound: Graph) -> Iterator[Problem]:
    for node_id, node in sound.items():
        for name, source, slot in links(node):
            params = {"node": node_id, "input": name, "source": source, "slot": f"{slot:g}"}
            where = pointer(node_id, "inputs", name)
            if source not in nodes:
                yield Problem(code="link_broken", pointer=where, params=params)
            elif not _has_slot(sound.get(source), slot):
                yield Problem(code="link_without_slot", pointer=where, params=params)


def _has_slot(source: Mapping[str, Any] | None, slot: float) -> bool:
    """Whether the slot may exist: of nodes that are not external we know nothing."""
    external = EXTERNALS.get(source["class_type"]) if source is not None else None
    return slot >= 0 and (external is None or slot in range(external.slots))


def _cycle_problems(sound: Graph) -> Iterator[Problem]:
    feeds = {
        node_id: [source for _, source, _ in links(node) if source in sound]
        for node_id, node in sound.items()
    }
    try:
        TopologicalSorter(feeds).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        shown = cycle if len(cycle) <= _CYCLE_SHOWN else [*cycle[:_CYCLE_SHOWN], "…"]
        params = {"cycle": " → ".join(shown)}
        yield Problem(code="graph_cycle", pointer=pointer(cycle[0]), params=params)


def _input_problems(sound: Graph) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for node_id, node in sound.items():
        if node["class_type"] not in EXTERNALS:
            continue
        name = node["inputs"].get("input_id")
        if not isinstance(name, str) or not name.strip():
            where = pointer(node_id, "inputs", "input_id")
            yield Problem(code="input_id_missing", pointer=where, params={"node": node_id})
            continue
        if len(name) > LONGEST_NAME:
            where = pointer(node_id, "inputs", "input_id")
            params = {"node": node_id, "limit": str(LONGEST_NAME)}
            yield Problem(code="input_id_too_long", pointer=where, params=params)
            continue
        owner = owners.setdefault(name, node_id)
        if sound[owner]["class_type"] != node["class_type"]:
            yield _conflict(name, owner, node_id)
        yield from _default_problems(name, node_id, node)
    yield from _item_problems(sound, owners)
    if len(owners) > MOST_INPUTS:
        params = {"count": str(len(owners)), "limit": str(MOST_INPUTS)}
        yield Problem(code="graph_too_many_inputs", params=params)


def _item_problems(sound: Graph, owners: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the inputs that are called as one of the images of another input is."""
    for name, owner in owners.items():
        if EXTERNALS[sound[owner]["class_type"]].kind is InputKind.IMAGES:
            items = (item_name(name, index) for index in range(MOST_IMAGES))
            yield from (_conflict(item, owner, owners[item]) for item in items if item in owners)


def _conflict(name: str, owner: str, node_id: str) -> Problem:
    return Problem(
        code="input_id_conflict",
        pointer=pointer(node_id, "inputs", "input_id"),
        params={"name": name, "first": owner, "node": node_id},
    )


def _default_problems(name: str, node_id: str, node: Mapping[str, Any]) -> Iterator[Problem]:
    params = {"name": name, "node": node_id}
    try:
        low, high = bounds_of(node)
    except Unfit:
        yield Problem(code="input_bounds_invalid", pointer=pointer(node_id), params=params)
        return
    if low is not None and high is not None and low > high:
        yield Problem(code="input_bounds_invalid", pointer=pointer(node_id), params=params)
        return
    try:
        default_of(node)
    except Unfit as unfit:
        reason = Problem(code=unfit.code, params={"name": name, **unfit.params}).text()
        params["reason"] = reason
        yield Problem(code="input_default_invalid", pointer=pointer(node_id), params=params)
