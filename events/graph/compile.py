"""Compile a workflow's graph and a run's values to the graph that a stock ComfyUI executes."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count
from typing import Any
from uuid import UUID

from events.errors import InvalidInputs, Problem
from events.files import own_prefix
from events.graph.editor.seeds import Place
from events.graph.externals.classes import (
    EXTERNALS,
    SEED_PLACE,
    InputKind,
    bounds_of,
    default_of,
    is_within,
)
from events.graph.externals.outputs import saved_instead
from events.graph.externals.plugin import kept_node, plugin_nodes
from events.graph.externals.stand_ins import Loaded
from events.graph.externals.values import Constant, Value
from events.graph.inputs import items_of
from events.graph.nodes import Graph, is_link, pointer


def compile_graph(
    graph: Graph,
    values: Mapping[str, Value],
    *,
    prompt_id: UUID,
    image_names: Mapping[str, str],
    seeds: Mapping[Place, object],
    lacking: AbstractSet[str] = frozenset(),
) -> dict[str, Any]:
    """Compile the external nodes away, put seeds in, and give the files a folder of their own.

    Nodes that only the plugin can execute stay, with their values in them.

    *graph* has passed check_graph; *values* are those that were sent, *image_names* says under
    which name the machine knows each file among the effective values, and *seeds* what takes the
    place of the inputs that the author left to chance. *lacking* are those of the deciding_classes
    that the machine lacks.

    Raises:
        InvalidInputs: an input has neither a value nor a default.

    """
    stay = plugin_nodes(graph, values, lacking)
    ids = _NewIds(graph)
    loaded = _loaded(graph, values, image_names, ids, without=stay)
    replaced = _replacements(graph, values, image_names, seeds, without={*stay, *loaded})
    compiled: dict[str, Any] = {}
    for node_id, node in graph.items():
        if node_id in loaded:
            compiled |= _titled(loaded[node_id].nodes, node_id, node)
        elif node_id not in replaced:
            inputs = {n: _linked(v, replaced, loaded) for n, v in node["inputs"].items()}
            if node_id in stay:
                value = values.get(node["inputs"]["input_id"])
                compiled |= kept_node(node_id, {**node, "inputs": inputs}, value, ids.new(node_id))
            else:
                own = saved_instead({**node, "inputs": inputs}, lacking)
                compiled[node_id] = _own(node_id, own, prompt_id, seeds)
    return compiled


class _NewIds:
    """Ids for nodes that are added to a graph."""

    def __init__(self, graph: Graph) -> None:
        self._taken = set(graph)

    def new(self, node_id: str) -> Callable[[], str]:
        """Return a maker of ids that are free, for nodes beside *node_id*."""
        candidates = (f"{node_id}-image{'-' * n}" for n in count())

        def new_id() -> str:
            found = next(one for one in candidates if one not in self._taken)
            self._taken.add(found)
            return found

        return new_id


def _loaded(
    graph: Graph,
    values: Mapping[str, Value],
    image_names: Mapping[str, str],
    ids: _NewIds,
    *,
    without: AbstractSet[str],
) -> dict[str, Loaded]:
    """Return what takes the place of each node whose value is a file."""
    loaded: dict[str, Loaded] = {}
    for node_id, node in graph.items():
        external = EXTERNALS.get(node["class_type"])
        if external is None or external.stand_in is None or node_id in without:
            continue
        if names := _file_names(node, values, image_names):
            loaded[node_id] = external.stand_in(node_id, ids.new(node_id), names)
    return loaded


def _file_names(
    node: Mapping[str, Any], values: Mapping[str, Value], image_names: Mapping[str, str]
) -> Sequence[str]:
    name = node["inputs"]["input_id"]
    if EXTERNALS[node["class_type"]].kind is InputKind.IMAGES:
        return [image_names[item] for item in items_of(name, image_names)]
    if name in image_names:
        return [image_names[name]]
    if name in values:
        sent = values[name]
        return [sent if isinstance(sent, str) else image_names[name]]
    default = default_of(node)
    return [default] if isinstance(default, str) else []


def _replacements(
    graph: Graph,
    values: Mapping[str, Value],
    image_names: Mapping[str, str],
    seeds: Mapping[Place, object],
    *,
    without: AbstractSet[str],
) -> dict[str, object]:
    """Return what stands in every link to an external node, unless other nodes take its place."""
    replaced: dict[str, object] = {}
    problems: list[Problem] = []
    for node_id, node in graph.items():
        if node["class_type"] not in EXTERNALS or node_id in without:
            continue
        name = node["inputs"]["input_id"]
        value: object = image_names.get(name, values.get(name, default_of(node)))
        if EXTERNALS[node["class_type"]].kind is InputKind.SEED:
            value = _seed(node_id, node, value, seeds)
        if isinstance(value, Constant | list):
            replaced[node_id] = value
        else:
            where = pointer("inputs", name)
            problems.append(Problem(code="input_required", pointer=where, params={"name": name}))
    if problems:
        raise InvalidInputs(problems=problems)
    return replaced


def _seed(
    node_id: str, node: Mapping[str, Any], value: object, seeds: Mapping[Place, object]
) -> object:
    """Return the seed that was named, or else the one that chance chose."""
    if is_link(value) or is_within(value, *bounds_of(node)):
        return value
    return seeds[node_id, SEED_PLACE]


def _linked(value: object, replaced: Mapping[str, object], loaded: Mapping[str, Loaded]) -> object:
    """Follow a link through external nodes, to a constant or to a node that stays."""
    while is_link(value) and value[0] in replaced:
        value = replaced[value[0]]
    if is_link(value) and value[0] in loaded:
        return loaded[value[0]].outputs.get(int(value[1]), value)
    return value


def _titled(nodes: Mapping[str, Any], node_id: str, node: Mapping[str, Any]) -> dict[str, Any]:
    meta = {"_meta": node["_meta"]} if "_meta" in node else {}
    return {**nodes, node_id: {**nodes[node_id], **meta}}


def _own(
    node_id: str, node: Mapping[str, Any], prompt_id: UUID, seeds: Mapping[Place, object]
) -> dict[str, Any]:
    """Return a node that is not external, as it runs."""
    inputs = node["inputs"] | {
        n: seeds[node_id, n] for n in node["inputs"] if (node_id, n) in seeds
    }
    return {**node, "inputs": inputs | _prefix(inputs, prompt_id)}


def _prefix(inputs: Mapping[str, object], prompt_id: UUID) -> dict[str, str]:
    prefix = inputs.get("filename_prefix")
    if not isinstance(prefix, Constant):
        return {}
    return {"filename_prefix": own_prefix(prompt_id, str(prefix))}
