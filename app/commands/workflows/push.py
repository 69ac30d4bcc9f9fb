"""Save a graph as a version of a workflow."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.commands.workflows.pushed_graphs import check_plugin, graphs_in, inputs_of, runnable
from app.reads.graphs import Graphs
from app.reads.machine_classes import MachineClasses
from app.reads.machines import MachineReads
from events import ids
from events.aggregates import WORKFLOW
from events.graph.nodes import Graph
from events.workflow import PushVersion, Workflow, WorkflowVersionCreated
from infra.event_store import load
from infra.offload import in_thread


class PushedVersion(Struct, frozen=True, kw_only=True):
    """A version that holds what was pushed."""

    workflow: Workflow
    version: WorkflowVersionCreated
    graph: Graph
    """In API format."""

    added: bool
    """Whether it is new; else a version with the same content was there."""


class PushWorkflow:
    """Use-case: save a graph as a version of the workflow of that name."""

    def __init__(
        self, recorder: Recorder, machines: MachineReads, graphs: Graphs, classes: MachineClasses
    ) -> None:
        self._recorder = recorder
        self._machines = machines
        self._graphs = graphs
        self._classes = classes

    async def push(
        self,
        caller: Caller,
        *,
        name: str,
        graph: dict[str, Any] | None,
        ui_graph: dict[str, Any] | None,
        machine_id: UUID | None,
        comment: str,
        custom_nodes: dict[str, Any],
    ) -> PushedVersion:
        """Save a graph; content that the workflow holds already adds no version.

        Raises:
            InvalidGraph: with every problem.
            BadRequest: there is no graph; or the caller has several machines, which differ.
            MachineUnobserved, NotFound: there is no machine to convert the editor's graph with.
            AggregateFull, TooLarge, StorageUnavailable, StorageRefused, LogUnavailable: it is not
            saved.

        """
        found = await in_thread(graphs_in, graph, ui_graph)
        checked = await runnable(found, caller, machine_id, self._machines, self._graphs)
        await check_plugin(found, checked, caller, machine_id, self._machines, self._classes)
        inputs = await in_thread(inputs_of, checked)
        in_api_format = await self._graphs.store(caller.tenant, checked)
        in_editors = None
        if found.ui and found.ui.graph:
            in_editors = await self._graphs.store(caller.tenant, found.ui.graph)
        command = PushVersion(
            workflow_id=ids.workflow_id(caller.tenant, name),
            name=name,
            user_id=caller.user_id,
            org_id=caller.org_id,
            graph_key=in_api_format.key,
            graph_sha256=in_api_format.sha256,
            ui_graph_key=in_editors.key if in_editors else None,
            inputs=inputs,
            comment=comment,
            author=caller.user_id or caller.actor,
            now=self._recorder.now(),
            source="api" if found.api else "ui",
            custom_nodes=custom_nodes,
        )
        session = await load(self._recorder.store, WORKFLOW, command.workflow_id)
        added = await self._recorder.execute(caller, session, command)
        version = session.existing.same_as(command)
        assert version is not None  # it was there, or has just been added
        return PushedVersion(
            workflow=session.existing, version=version, graph=checked, added=bool(added)
        )
