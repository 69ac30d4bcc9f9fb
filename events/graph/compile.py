"""Compile a workflow's graph and a run's values to the graph that a stock ComfyUI executes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from events.errors import InvalidInputs, Problem
from events.files import own_prefix
from events.graph.editor.seeds import Place
from events.graph.externals import EXTERNALS, default_of
from events.graph.nodes import Graph, is_link, pointer
from events.graph.values import Constant, Value

WEBSOCKET_ONLY = {
    "SaveImageWebsocket": "images",
    "ETN_SendImageWebSocket": "images",
    "ComfyDeployWebscoketImageOutput": "images",
}
"""Output nodes whose pictures come over a WebSocket only: class, as its pack spells it, to the
input that takes the pictures.

Such a picture is in no history: without a listener at that moment it is lost, and must be rendered
again. The stock node's file can be fetched at any time.
"""


def compile_graph(
    graph: Graph,
    values: Mapping[str, Value],
    *,
    prompt_id: UUID,
    image_names: Mapping[str, str],
    seeds: Mapping[Place, object],
) -> dict[str, Any]:
    """Compile the external nodes away, put seeds in, and give the files a folder of their own.

    *graph* has passed check_graph; *values* are those that were sent, *image_names* says under
    which name the machine knows each image among the effective values, and *seeds* what takes the
    place of the inputs that the author left to chance.

    Raises:
        InvalidInputs: an input has neither a value nor a default.

    """
    replaced = _replacements(graph, values, image_names)
    compiled: dict[str, Any] = {}
    for node_id, node in graph.items():
        if node["class_type"] not in EXTERNALS:
            inputs = {n: _resolved(v, replaced) for n, v in node["inputs"].items()}
            inputs |= {n: seeds[node_id, n] for n in inputs if (node_id, n) in seeds}
            class_type, inputs = _saved_instead(node["class_type"], inputs)
            inputs |= _prefix(inputs, prompt_id)
            compiled[node_id] = {**node, "class_type": class_type, "inputs": inputs}
        elif node_id not in replaced:
            compiled |= _stand_in(node_id, node, image_names, taken={*graph, *compiled})
    return compiled


def _replacements(
    graph: Graph, values: Mapping[str, Value], image_names: Mapping[str, str]
) -> dict[str, Constant | list[Any]]:
    """Return what stands in every link to an external node, unless other nodes take its place."""
    replaced: dict[str, Constant | list[Any]] = {}
    problems: list[Problem] = []
    for node_id, node in graph.items():
        if node["class_type"] not in EXTERNALS or _is_given_as_file(node, values, image_names):
            continue
        value = _value_of(node, values)
        if value is None:
            name = node["inputs"]["input_id"]
            where = pointer("inputs", name)
            problems.append(Problem(code="input_required", pointer=where, params={"name": name}))
        else:
            replaced[node_id] = value
    if problems:
        raise InvalidInputs(problems=problems)
    return replaced


def _is_given_as_file(
    node: Mapping[str, Any], values: Mapping[str, Value], image_names: Mapping[str, str]
) -> bool:
    name = node["inputs"]["input_id"]
    given = name in values or name in image_names
    return EXTERNALS[node["class_type"]].stand_in is not None and given


def _value_of(node: Mapping[str, Any], values: Mapping[str, Value]) -> Constant | list[Any] | None:
    value = values.get(node["inputs"]["input_id"], default_of(node))
    return value if isinstance(value, Constant | list) else None


def _resolved(value: object, replaced: Mapping[str, Constant | list[Any]]) -> object:
    """Follow a link through external nodes, to a constant or to a node that stays."""
    while is_link(value) and value[0] in replaced:
        value = replaced[value[0]]
    return value


def _stand_in(
    node_id: str, node: Mapping[str, Any], image_names: Mapping[str, str], taken: set[str]
) -> dict[str, Any]:
    build = EXTERNALS[node["class_type"]].stand_in
    assert build is not None
    free_id = f"{node_id}-image"
    while free_id in taken:
        free_id += "-"
    nodes = build(node_id, free_id, image_names[node["inputs"]["input_id"]])
    if "_meta" in node:
        nodes[node_id] = {**nodes[node_id], "_meta": node["_meta"]}
    return nodes


def _prefix(inputs: Mapping[str, object], prompt_id: UUID) -> dict[str, str]:
    prefix = inputs.get("filename_prefix")
    if not isinstance(prefix, Constant):
        return {}
    return {"filename_prefix": own_prefix(prompt_id, str(prefix))}


def _saved_instead(class_type: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return class and inputs of the stock node that saves what the node would only send."""
    source = WEBSOCKET_ONLY.get(class_type)
    if source is None:
        return class_type, dict(inputs)
    images = {"images": inputs[source]} if source in inputs else {}
    return "SaveImage", {**images, "filename_prefix": "ComfyUI"}
