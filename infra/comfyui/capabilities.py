"""Compare a graph with the node classes a ComfyUI has, remembered for a few minutes."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

from events.errors import Problem
from events.object_info import Infos, check_against
from infra.comfyui.client import Client
from infra.machine import Graph, GraphProblem, WorkflowRejected

FRESH_FOR = 300.0
"""How long a description of a node class is taken to be true, in seconds."""

Description = dict[str, Any]
"""What /object_info says about one class."""

CODES = {
    "graph_without_output": "no_outputs",
    "node_input_missing": "missing_input",
    "node_unknown": "unknown_node",
}
"""Codes of a Problem to those of a GraphProblem; every other one is about a value."""

_STOCK_MODULES = ("comfy_extras.", "comfy_api_nodes.")
"""Where ComfyUI keeps its own classes, beside `nodes`; packs are below `custom_nodes`."""


class Capabilities:
    """What one ComfyUI can do."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._descriptions: dict[str, tuple[float, Description | None]] = {}

    async def check(self, graph: Graph) -> None:
        """Compare *graph* with what the machine can do.

        Raises:
            WorkflowRejected: with every problem found.
            MachineUnreachable: it does not answer.

        """
        asked_at = asyncio.get_running_loop().time()
        problems = await self._problems(graph, since=asked_at - FRESH_FOR)
        if problems:
            # A node or a model may have been installed since we looked.
            problems = await self._problems(graph, since=asked_at)
        if problems:
            raise WorkflowRejected(problems)

    async def describe(self, classes: Collection[str]) -> Infos:
        """Say what is known of classes; None of those that it has not.

        Raises:
            MachineUnreachable: it does not answer.

        """
        return await self._infos(classes, since=asyncio.get_running_loop().time() - FRESH_FOR)

    def is_stock(self, class_type: str) -> bool:
        """Whether ComfyUI itself brings a class; False of one that nobody asked for."""
        _, description = self._descriptions.get(class_type, (0.0, None))
        module = str((description or {}).get("python_module", ""))
        return module == "nodes" or module.startswith(_STOCK_MODULES)

    async def _problems(self, graph: Graph, *, since: float) -> list[GraphProblem]:
        classes = {str(node["class_type"]) for node in graph.values()}
        infos = await self._infos(classes, since=since)
        return [_graph_problem(problem) for problem in check_against(graph, infos)]

    async def _infos(self, classes: Collection[str], *, since: float) -> Infos:
        await self._describe(name for name in classes if self._described_at(name) < since)
        return {name: self._descriptions[name][1] for name in classes}

    def _described_at(self, name: str) -> float:
        return self._descriptions.get(name, (float("-inf"), None))[0]

    async def _describe(self, names: Iterable[str]) -> None:
        await asyncio.gather(*map(self._describe_one, names))

    async def _describe_one(self, name: str) -> None:
        # An unknown class is answered with an empty object.
        answer = await self._client.read(dict[str, Description], "object_info", name)
        now = asyncio.get_running_loop().time()
        self._descriptions[name] = (now, answer.get(name))


def _graph_problem(problem: Problem) -> GraphProblem:
    return GraphProblem(
        code=CODES.get(problem.code, "bad_value"),
        message=problem.text(),
        node_id=problem.params.get("node", ""),
        node_class=problem.params.get("class_type", ""),
        input_name=problem.params.get("input", ""),
    )
