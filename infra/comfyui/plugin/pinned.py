"""Pin the seeds of a graph for the plugin, which draws every seed again that is a number (pure).

It leaves alone what is linked. So each comes from a node of ComfyUI's own that holds the number.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.machine_driver import Graph, GraphProblem, WorkflowRejected

HOLDER = "PrimitiveInt"
MOST = 2**63 - 1
"""What the node that holds a number takes."""

SEEDS = ("seed", "noise_seed")


def pinned(graph: Graph) -> dict[str, Any]:
    """Return *graph* with each seed in a node of its own.

    Raises:
        WorkflowRejected: a seed is larger than such a node takes, so it could not be kept.

    """
    changed = {node_id: dict(node) for node_id, node in graph.items()}
    problems = []
    for node_id, name, seed in _seeds(graph):
        if not -MOST <= seed <= MOST:
            problems.append(_too_large(node_id, graph[node_id], name))
        holder = f"comfyd-{node_id}-{name}"
        changed[holder] = {"class_type": HOLDER, "inputs": {"value": seed}}
        changed[node_id]["inputs"] = {**changed[node_id]["inputs"], name: [holder, 0]}
    if problems:
        raise WorkflowRejected(problems)
    return changed


def _seeds(graph: Graph) -> Iterator[tuple[str, str, int]]:
    for node_id, node in graph.items():
        for name in SEEDS:
            value = node["inputs"].get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                yield node_id, name, value


def _too_large(node_id: str, node: Mapping[str, Any], name: str) -> GraphProblem:
    node_class = str(node["class_type"])
    return GraphProblem(
        code="bad_value",
        message=(
            f"node {node_id} ({node_class}), input {name}: on a machine with the driver "
            f"comfyui-deploy a seed may be {MOST} at most"
        ),
        node_id=node_id,
        node_class=node_class,
        input_name=name,
    )
