"""What only the comfyui-deploy plugin can do: nodes that stay in a graph, and values put into them.

Wherever stock nodes do the same they take a node's place, so that a graph runs alike on every
machine. What they do in a similar way stays where the machine has the class, and what they cannot
do stays always: a machine needs the plugin for it.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from events.errors import Problem
from events.graph.externals.classes import EXTERNALS, default_of
from events.graph.externals.outputs import WHERE_LACKING, saved_instead
from events.graph.externals.stand_ins import NewId
from events.graph.externals.values import (
    AnyUrl,
    Constant,
    FileUrl,
    ImageBytes,
    Images,
    ModelUrl,
    Value,
)
from events.graph.nodes import Graph, links, pointer

PLUGIN = "comfyui-deploy"
"""The pack to install, as ComfyUI-Manager calls it."""

_OTHERS = frozenset(
    {
        *WHERE_LACKING,
        "ComfyDeployOutputFile",
        "ComfyUIDeployModelList",
        "ComfyUIDeployStringCombine",
        "StringFunction",
    }
)
PLUGIN_CLASSES = frozenset(EXTERNALS) | _OTHERS
"""Every class that the plugin brings, in some version or other, and that may stay in a graph."""

_LISTS: Mapping[str, str] = {
    "ComfyUIDeployExternalCheckpoint": "default_value",
    "ComfyUIDeployExternalLora": "default_lora_name",
    "ComfyUIDeployExternalVid": "default_value",
    "ComfyUIDeployExternalVideo": "default_video",
}
"""By class, the input that is chosen from the files that a machine has."""

_LINKED = frozenset({"ComfyUIDeployExternalCheckpoint", "ComfyUIDeployExternalVid"})
"""Those that do not run without it.

ComfyUI compares a constant with the files that it has, and so would refuse a URL; it does not
compare what comes from another node.
"""

_ANY = "ComfyUIDeployExternalTextAny"


def deciding_classes(graph: Graph) -> set[str]:
    """Return the classes on which it depends, if a machine has them, what becomes of a graph."""
    deciding: set[str] = set()
    for class_type in {node["class_type"] for node in graph.values()}:
        if class_type in EXTERNALS and EXTERNALS[class_type].keeps_urls:
            deciding.add(class_type)
        if savers := WHERE_LACKING.get(class_type):
            deciding |= {class_type, *(saver.class_type for saver in savers)}
    return deciding


def plugin_nodes(
    graph: Graph, values: Mapping[str, Value], lacking: AbstractSet[str] = frozenset()
) -> frozenset[str]:
    """Return the external nodes for which no stock nodes stand in, with these values.

    *lacking* are classes that the machine lacks.
    """
    external = {n: node for n, node in graph.items() if node["class_type"] in EXTERNALS}
    used: dict[str, set[int]] = {node_id: set() for node_id in external}
    for node in graph.values() if external else ():
        for _, source, slot in links(node):
            if source in used:
                used[source].add(int(slot))
    return frozenset(
        node_id
        for node_id, node in external.items()
        if _stays(node, values, used[node_id], lacking)
    )


def _stays(
    node: Mapping[str, Any],
    values: Mapping[str, Value],
    used: AbstractSet[int],
    lacking: AbstractSet[str],
) -> bool:
    external = EXTERNALS[node["class_type"]]
    if not external.is_stock(node["inputs"], used):
        return True
    sent = values.get(node["inputs"]["input_id"])
    value = default_of(node) if sent is None else sent
    if isinstance(value, FileUrl):
        return external.keeps_urls and node["class_type"] not in lacking
    return isinstance(value, ModelUrl)


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
    """Return a plugin's node with a value in it, and what it needs beside it."""
    if value is None:
        return {node_id: node}
    inputs = {**node["inputs"], **injected(node, value)}
    listed = _LISTS.get(node["class_type"])
    if listed is None:
        return {node_id: {**node, "inputs": inputs}}
    if not isinstance(value, ModelUrl | FileUrl):
        return {node_id: {**node, "inputs": inputs | {listed: value}}}
    # The file that it names otherwise may not be there, and is not looked at.
    inputs.pop(listed, None)
    if node["class_type"] not in _LINKED:
        return {node_id: {**node, "inputs": inputs}}
    text_id = new_id()
    text = {"input_id": text_id, "default_value": value.url}
    return {
        text_id: {"class_type": _ANY, "inputs": text},
        node_id: {**node, "inputs": inputs | {listed: [text_id, 0]}},
    }


def plugin_problems(graph: Graph, known: AbstractSet[str]) -> list[Problem]:
    """List the nodes of a graph that need the plugin, on a machine with the classes *known*."""
    lacking = deciding_classes(graph) - known
    stay = plugin_nodes(graph, {}, lacking)
    return [
        plugin_problem(node_id, node["class_type"])
        for node_id, node in graph.items()
        if (node_id in stay or node["class_type"] in _OTHERS)
        and saved_instead(node, lacking)["class_type"] not in known
    ]


def plugin_problem(node_id: str, class_type: str) -> Problem:
    """Name a node for which a machine lacks the plugin."""
    params = {"node": node_id, "class_type": class_type, "plugin": PLUGIN}
    return Problem(code="node_needs_plugin", pointer=pointer(node_id), params=params)
