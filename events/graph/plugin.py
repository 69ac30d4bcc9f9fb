"""What only the comfyui-deploy plugin can do: nodes that stay in a graph, and values put into them.

Wherever stock nodes do the same they take a node's place, so that a graph runs alike on every
machine. What they cannot do stays, and a machine needs the plugin for it.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from events.errors import Problem
from events.graph.externals import EXTERNALS, default_of
from events.graph.nodes import Graph, links, pointer
from events.graph.stand_ins import NewId
from events.graph.values import AnyUrl, Constant, ImageBytes, Images, ModelUrl, Value

PLUGIN = "comfyui-deploy"
"""The pack to install, as ComfyUI-Manager calls it."""

_OTHERS = frozenset(
    {
        "ComfyDeployOutputEXR",
        "ComfyDeployOutputFile",
        "ComfyDeployOutputImage",
        "ComfyDeployOutputText",
        "ComfyUIDeployModelList",
        "ComfyUIDeployStringCombine",
    }
)
PLUGIN_CLASSES = frozenset(EXTERNALS) | _OTHERS
"""Every class that the plugin brings, in some version or other, and that may stay in a graph."""

_CHECKPOINT = "ComfyUIDeployExternalCheckpoint"
_ANY = "ComfyUIDeployExternalTextAny"


def plugin_nodes(graph: Graph, values: Mapping[str, Value]) -> frozenset[str]:
    """Return the external nodes for which no stock nodes stand in, with these values."""
    external = {n: node for n, node in graph.items() if node["class_type"] in EXTERNALS}
    used: dict[str, set[int]] = {node_id: set() for node_id in external}
    for node in graph.values() if external else ():
        for _, source, slot in links(node):
            if source in used:
                used[source].add(int(slot))
    return frozenset(
        node_id for node_id, node in external.items() if _stays(node, values, used[node_id])
    )


def _stays(node: Mapping[str, Any], values: Mapping[str, Value], used: AbstractSet[int]) -> bool:
    if not EXTERNALS[node["class_type"]].is_stock(node["inputs"], used):
        return True
    value = values.get(node["inputs"]["input_id"])
    return isinstance(default_of(node) if value is None else value, ModelUrl)


def injected(node: Mapping[str, Any], value: Value | Images) -> dict[str, Any]:
    """Return the inputs of a plugin's node that hold a value, in the form that the node reads."""
    return dict.fromkeys(EXTERNALS[node["class_type"]].value_keys, _written(value))


def _written(value: Value | Images) -> Constant:
    if isinstance(value, AnyUrl):
        return value.url
    if isinstance(value, tuple):
        return msgspec.json.encode([_written(one) for one in value]).decode()
    if isinstance(value, Constant):
        return value
    kind = "bytes" if isinstance(value, ImageBytes) else "a reference"
    raise TypeError(f"a node of the plugin takes no image as {kind}; stock nodes load it")


def kept_node(
    node_id: str, node: Mapping[str, Any], value: Value | None, new_id: NewId
) -> dict[str, Any]:
    """Return a plugin's node with a value in it, and what it needs beside it.

    ComfyUI compares the constant of a list of files with the files that it has, and so would refuse
    a URL; it does not compare what comes from another node.
    """
    if value is None:
        return {node_id: node}
    inputs = {**node["inputs"], **injected(node, value)}
    if not isinstance(value, ModelUrl):
        return {node_id: {**node, "inputs": inputs}}
    if node["class_type"] != _CHECKPOINT:
        # The file that it names otherwise may not be there, and is not looked at.
        inputs.pop("default_lora_name", None)
        return {node_id: {**node, "inputs": inputs}}
    text_id = new_id()
    text = {"input_id": text_id, "default_value": value.url}
    inputs["default_value"] = [text_id, 0]
    return {
        text_id: {"class_type": _ANY, "inputs": text},
        node_id: {**node, "inputs": inputs},
    }


def plugin_problems(graph: Graph, known: Iterable[str]) -> list[Problem]:
    """List the nodes of a graph that need the plugin, on a machine with the classes *known*."""
    stay = plugin_nodes(graph, {})
    return [
        plugin_problem(node_id, node["class_type"])
        for node_id, node in graph.items()
        if node["class_type"] not in known and (node_id in stay or node["class_type"] in _OTHERS)
    ]


def plugin_problem(node_id: str, class_type: str) -> Problem:
    """Name a node for which a machine lacks the plugin."""
    params = {"node": node_id, "class_type": class_type, "plugin": PLUGIN}
    return Problem(code="node_needs_plugin", pointer=pointer(node_id), params=params)
