"""Compare a graph with the node classes a ComfyUI has, remembered for a few minutes."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from msgspec import Struct

from events.errors import Problem
from events.graph.object_info import Infos, check_against
from infra.comfyui.answers import decoded
from infra.comfyui.client import Client
from infra.machine_driver import (
    Graph,
    GraphProblem,
    MachineRefused,
    MachineUnreachable,
    WorkflowRejected,
)

FRESH_FOR = 300.0
"""How long a description of a node class is taken to be true, in seconds."""

Description = dict[str, Any]
"""What /object_info says about one class."""

CODES = {
    "graph_without_output": "no_outputs",
    "node_input_missing": "missing_input",
    "node_needs_plugin": "unknown_node",
    "node_unknown": "unknown_node",
}
"""Codes of a Problem to those of a GraphProblem; every other one is about a value."""

_STOCK_MODULES = ("comfy_extras.", "comfy_api_nodes.")
"""Where ComfyUI keeps its own classes, beside `nodes`; packs are below `custom_nodes`."""


LARGEST_DESCRIPTION = 4 * 1024 * 1024
"""Bytes of the description of one class; a loader that lists 10,000 files has one tenth of that."""

MOST_DESCRIBED = 32 * 1024 * 1024
"""Bytes of all descriptions that are kept of one machine."""

AT_ONCE = 8
"""Classes that are asked for at the same time."""


class _Described(Struct, frozen=True):
    """What a machine said of one class."""

    description: Description | None
    """None of a class that it has not."""

    size: int
    at: float

    def is_fresh(self, since: float) -> bool:
        """Whether it need not be asked for again; a class that was not there may be by now."""
        return self.description is not None and self.at >= since


class Capabilities:
    """What one ComfyUI can do."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, _Described] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

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
        """Return what is known of classes; None for those that it has not.

        Raises:
            MachineUnreachable: it does not answer.

        """
        return await self._infos(classes, since=asyncio.get_running_loop().time() - FRESH_FOR)

    @asynccontextmanager
    async def explaining(self, graph: Graph) -> AsyncIterator[None]:
        """Add to a refusal during a block what is missing, if the machine has lost a class.

        Raises:
            WorkflowRejected: with what this check finds now, and else as the machine says it.

        """
        try:
            yield
        except WorkflowRejected as rejected:
            if all(problem.code != "unknown_node" for problem in rejected.problems):
                raise
            found: list[GraphProblem] = []
            with suppress(MachineRefused, MachineUnreachable):
                found = await self._problems(graph, since=asyncio.get_running_loop().time())
            raise WorkflowRejected(found or rejected.problems) from rejected

    def is_stock(self, class_type: str) -> bool:
        """Whether ComfyUI itself brings a class; False of one that was not asked for."""
        known = self._known.get(class_type)
        module = str(((known and known.description) or {}).get("python_module", ""))
        return module == "nodes" or module.startswith(_STOCK_MODULES)

    async def _problems(self, graph: Graph, *, since: float) -> list[GraphProblem]:
        classes = {str(node["class_type"]) for node in graph.values()}
        infos = await self._infos(classes, since=since)
        return [_graph_problem(problem) for problem in check_against(graph, infos)]

    async def _infos(self, classes: Collection[str], *, since: float) -> Infos:
        known = {n: k for n in classes if (k := self._known.get(n)) and k.is_fresh(since)}
        names = [name for name in classes if name not in known]
        asked = await asyncio.gather(*map(self._ask, names))
        described = known | dict(zip(names, asked, strict=True))
        if sum(one.size for one in described.values()) > MOST_DESCRIBED:
            raise self._client.refused(f"describes nodes in more than {MOST_DESCRIBED} bytes")
        self._keep(described)
        return {name: one.description for name, one in described.items()}

    async def _ask(self, name: str) -> _Described:
        async with self._slots:
            answer = await self._client.get("object_info", name, at_most=LARGEST_DESCRIPTION)
            # An unknown class is answered with an empty object.
            description = decoded(answer, dict[str, Description]).get(name)
        now = asyncio.get_running_loop().time()
        return _Described(description, len(answer.body), now)

    def _keep(self, described: Mapping[str, _Described]) -> None:
        self._known.update(described)
        size = sum(one.size for one in self._known.values())
        for name, one in sorted(self._known.items(), key=lambda item: item[1].at):
            if size <= MOST_DESCRIBED:
                return
            size -= one.size
            del self._known[name]


def _graph_problem(problem: Problem) -> GraphProblem:
    return GraphProblem(
        code=CODES.get(problem.code, "bad_value"),
        message=problem.text(),
        node_id=problem.params.get("node", ""),
        node_class=problem.params.get("class_type", ""),
        input_name=problem.params.get("input", ""),
    )
