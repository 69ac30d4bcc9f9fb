"""Compile a graph without a run, to check whether a machine can execute it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from events.graph.compile import compile_graph
from events.graph.externals import EXTERNALS, default_of
from events.graph.nodes import Graph, is_link
from events.graph.seeds import named_seeds

_GIVEN = ["comfyd:given", 0]
"""A link to no node of the graph: what a caller or chance gives; nothing is known of it yet."""

_NOBODY = UUID(int=0)


def compile_with_defaults(graph: Graph) -> dict[str, Any]:
    """Compile a stored graph as for a run in which every input keeps its default.

    What has no default becomes a link to nowhere, with which the check finds nothing wrong.
    """
    return compile_graph(
        {node_id: _with_default(node) for node_id, node in graph.items()},
        {},
        prompt_id=_NOBODY,
        image_names={name: "image.png" for node in graph.values() if (name := _image(node))},
        seeds=dict.fromkeys(named_seeds(graph), _GIVEN),
    )


def _with_default(node: Mapping[str, Any]) -> Mapping[str, Any]:
    external = EXTERNALS.get(node["class_type"])
    if external is None or external.stand_in or default_of(node) is not None:
        return node
    return {**node, "inputs": {**node["inputs"], external.default_keys[0]: _GIVEN}}


def _image(node: Mapping[str, Any]) -> str:
    """Return the name of an image input that stands for nodes of the machine; empty for none."""
    external = EXTERNALS.get(node["class_type"])
    if external is None or external.stand_in is None or is_link(default_of(node)):
        return ""
    return str(node["inputs"]["input_id"])
