"""Compile a graph without a run, to check whether a machine can execute it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from events.graph.compile import compile_graph
from events.graph.externals.classes import EXTERNALS, InputKind, default_of, never
from events.graph.externals.values import FileUrl
from events.graph.inputs import item_name
from events.graph.nodes import Graph, is_link
from events.graph.seeds import named_seeds

_GIVEN = ["comfyd:given", 0]
"""A link to no node of the graph: what a caller or chance gives; nothing is known of it yet."""

_NOBODY = UUID(int=0)


def compile_with_defaults(graph: Graph, lacking: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    """Compile a stored graph as for a run in which every input keeps its default.

    What has no default becomes a link to nowhere, with which the check finds nothing wrong.
    *lacking* is that of compile_graph.
    """
    return compile_graph(
        {node_id: _with_default(node) for node_id, node in graph.items()},
        {},
        prompt_id=_NOBODY,
        image_names={name: "image.png" for node in graph.values() if (name := _file(node))},
        seeds=dict.fromkeys(named_seeds(graph), _GIVEN),
        lacking=lacking,
    )


def _with_default(node: Mapping[str, Any]) -> Mapping[str, Any]:
    external = EXTERNALS.get(node["class_type"])
    if external is None or external.stand_in or default_of(node) is not None:
        return node
    if external.is_stock is never:
        return node  # It stays, and reads its value when it runs.
    return {**node, "inputs": {**node["inputs"], external.default_keys[0]: _GIVEN}}


def _file(node: Mapping[str, Any]) -> str:
    """Return the name of an input whose value is a file on the machine; empty for none."""
    external = EXTERNALS.get(node["class_type"])
    if external is None or is_link(default := default_of(node)):
        return ""
    name = str(node["inputs"]["input_id"])
    if external.kind is InputKind.IMAGES:
        return item_name(name, 0)
    return name if external.stand_in or isinstance(default, FileUrl) else ""
