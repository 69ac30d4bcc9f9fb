"""Compares a compiled graph with what a machine says of its node classes in /object_info.

In doubt a graph passes: ComfyUI itself checks again, and refusing what would run is worse.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from events.errors import Problem
from events.graph.externals.plugin import PLUGIN_CLASSES, plugin_problem
from events.graph.input_specs import InputSpec, value_problem
from events.graph.nodes import Graph, is_link, links, pointer

_SCALARS = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "NUMBER"})
"""Many nodes accept any of these for another, which /object_info does not tell."""

Infos = Mapping[str, Mapping[str, Any] | None]
"""Class name to its entry; None: the machine does not know the class. Others were not asked for."""


class _Place(Struct, frozen=True):
    """Where a problem is."""

    node_id: str
    class_type: str
    input: str = ""

    def problem(self, code: str, **params: str) -> Problem:
        where = pointer(self.node_id, "inputs", self.input) if self.input else pointer(self.node_id)
        place = {"node": self.node_id, "class_type": self.class_type, "input": self.input}
        return Problem(code=code, pointer=where, params=place | params)


def check_against(graph: Graph, infos: Infos) -> list[Problem]:
    """List why a machine cannot run *graph*; params carry node, class_type and input.

    As in ComfyUI, a class must be known wherever it stands, while inputs only matter on nodes that
    an output depends on.
    """
    problems = [
        _unknown(node_id, node["class_type"])
        for node_id, node in graph.items()
        if infos.get(node["class_type"], {}) is None
    ]
    if _has_no_output(graph, infos):
        problems.append(Problem(code="graph_without_output"))
    needed = _needed(graph, infos)
    for node_id, node in graph.items():
        info = infos.get(node["class_type"])
        if node_id in needed and info:
            problems += _node_problems(node_id, graph, info, infos)
    return problems


def _unknown(node_id: str, class_type: str) -> Problem:
    if class_type in PLUGIN_CLASSES:
        return plugin_problem(node_id, class_type)
    return _Place(node_id, class_type).problem("node_unknown")


def _has_no_output(graph: Graph, infos: Infos) -> bool:
    known = [infos.get(node["class_type"]) for node in graph.values()]
    return all(info is not None and info.get("output_node") is False for info in known)


def _needed(graph: Graph, infos: Infos) -> set[str]:
    needed: set[str] = set()
    waiting = [
        node_id
        for node_id, node in graph.items()
        if (infos.get(node["class_type"]) or {}).get("output_node")
    ]
    while waiting:
        node_id = waiting.pop()
        if node_id not in needed and node_id in graph:
            needed.add(node_id)
            waiting += [source for _, source, _ in links(graph[node_id])]
    return needed


def _node_problems(
    node_id: str, graph: Graph, info: Mapping[str, Any], infos: Infos
) -> Iterator[Problem]:
    node = graph[node_id]
    for spec in InputSpec.all_of(info):
        place = _Place(node_id, node["class_type"], spec.name)
        if spec.name not in node["inputs"]:
            if spec.required and not spec.dynamic:
                yield place.problem("node_input_missing")
            continue
        value = node["inputs"][spec.name]
        if is_link(value):
            yield from _link_problems(place, spec, value, graph, infos)
        elif found := value_problem(spec, value):
            code, params = found
            yield place.problem(code, **params)


def _link_problems(
    place: _Place, spec: InputSpec, link: list[Any], graph: Graph, infos: Infos
) -> Iterator[Problem]:
    source, slot = link
    info = infos.get(graph[source]["class_type"]) if source in graph else None
    given = (info or {}).get("output")
    if not isinstance(given, list):
        return
    if not (0 <= slot < len(given) and slot == int(slot)):
        yield place.problem("node_link_without_slot", source=source, slot=f"{slot:g}")
    elif not _compatible(given[int(slot)], spec.type):
        params = {"expected": str(spec.type), "source": source, "given": str(given[int(slot)])}
        yield place.problem("node_link_type", **params)


def _compatible(given: object, expected: object) -> bool:
    if not isinstance(given, str) or not isinstance(expected, str):
        return True
    ours, theirs = _types(given), _types(expected)
    if any(t in {"*", "COMBO"} or t.startswith("COMFY_") for t in ours | theirs):
        return True
    return bool(ours & theirs) or bool(ours & _SCALARS and theirs & _SCALARS)


def _types(text: str) -> set[str]:
    return {part.strip().upper() for part in text.split(",")}
