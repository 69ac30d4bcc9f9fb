"""Which machines can run a version, and why not: as they were last found; no machine is asked."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from uuid import UUID

import msgspec

from app.auth.caller import Caller
from app.reads.graphs import Graphs
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads
from events.errors import MachineUnobserved, Problem, shortened
from events.graph.compile_with_defaults import compile_with_defaults
from events.graph.externals.plugin import deciding_classes
from events.graph.nodes import Graph
from events.graph.object_info import check_against
from events.machine.state import Machine, MachineState
from infra.offload import in_thread
from projections.queries import Page

STOPPED = {
    MachineState.DRAINING: "machine_draining",
    MachineState.DISABLED: "machine_disabled",
}
"""States in which a machine takes nothing new, and the code that says so."""

Compiled = Callable[[frozenset[str]], Graph]
"""From the classes that a machine lacks to the graph as it would run there."""

_decode_described = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Compatibility:
    """Queries for which machines can run which versions."""

    def __init__(self, workflows: WorkflowReads, machines: MachineReads, graphs: Graphs) -> None:
        self._workflows = workflows
        self._machines = machines
        self._graphs = graphs

    async def page(
        self, caller: Caller, workflow_id: UUID, version: int, *, limit: int, before: int | None
    ) -> tuple[Page, Mapping[UUID, Sequence[Problem]]]:
        """Return a part of the caller's machines, and why each cannot run a version.

        Raises:
            NotFound: the caller has no such workflow or version, or its graph is gone.
            LogUnavailable, StorageUnavailable, StorageRefused: later might work.

        """
        workflow = await self._workflows.find(caller, workflow_id)
        pushed = await self._graphs.read(workflow.version(version).graph_key)
        compiled = cache(partial(compile_with_defaults, pushed))
        page = await self._machines.page(caller, limit=limit, before=before)
        return page, {
            row.id: await self._problems(row.state, pushed, compiled) for row in page.rows
        }

    async def _problems(
        self, machine: Machine, pushed: Graph, compiled: Compiled
    ) -> Sequence[Problem]:
        stopped = STOPPED.get(machine.state)
        problems = [Problem(code=stopped)] if stopped else []
        try:
            described = await self._graphs.object_info(machine)
        except MachineUnobserved:
            return [*problems, Problem(code="machine_never_observed")]
        return [*problems, *await in_thread(_held_against, described, pushed, compiled)]


def _held_against(object_info: bytes, pushed: Graph, compiled: Compiled) -> tuple[Problem, ...]:
    described = _decode_described(object_info)
    graph = compiled(frozenset(deciding_classes(pushed) - described.keys()))
    classes = {str(node["class_type"]) for node in graph.values()}
    # One machine describes thousands of classes; only those of the graph are worth decoding.
    infos = {n: msgspec.json.decode(described[n]) if n in described else None for n in classes}
    return shortened(check_against(graph, infos))
