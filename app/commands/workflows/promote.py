"""Choose the version that an environment runs: promotion and rollback."""

import asyncio
from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.http.bad_request import bad
from app.reads.deployments import DeploymentReads
from app.reads.graphs import Graphs
from app.reads.machine_classes import MachineClasses
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads
from events import ids
from events.aggregates import DEPLOYMENT
from events.deployment import Deployment, PromoteVersion, RollBack
from events.errors import MachineLacksPlugin
from events.graph.externals.plugin import plugin_problems
from events.machine.state import Machine, MachineState
from events.workflow import Workflow
from infra.event_store import load
from infra.offload import in_thread


class Promotions:
    """Use-cases that change what a deployment runs."""

    def __init__(
        self,
        recorder: Recorder,
        deployments: DeploymentReads,
        workflows: WorkflowReads,
        machines: MachineReads,
        graphs: Graphs,
        classes: MachineClasses,
    ) -> None:
        self._recorder = recorder
        self._deployments = deployments
        self._workflows = workflows
        self._machines = machines
        self._graphs = graphs
        self._classes = classes

    async def promote(
        self,
        caller: Caller,
        workflow_id: UUID,
        environment: str,
        *,
        version: int,
        machine_id: UUID | None,
        force: bool,
        comment: str,
    ) -> Deployment:
        """Promote a version to an environment; without *machine_id* it stays on its machine.

        Raises:
            NotFound: the caller has no such workflow, version or machine.
            BadRequest: it is the first promotion, and names no machine.
            IncompatibleInputs: callers would notice, and it is not forced.
            MachineLacksPlugin: runs would fail there, and it is not forced.
            AggregateFull, LogUnavailable, StorageUnavailable, StorageRefused: it is not promoted.

        """
        workflow = await self._workflows.find(caller, workflow_id)
        deployment_id = ids.deployment_id(workflow.id, environment)
        session = await load(self._recorder.store, DEPLOYMENT, deployment_id)
        kept = session.state.current.machine_id if session.state else None
        if (runs_on := machine_id or kept) is None:
            raise bad("field_missing", "/machine_id", field="machine_id")
        machine = await self._machines.present(caller, runs_on)
        runs_already = session.state is not None and (
            (session.state.current.version, session.state.current.machine_id) == (version, runs_on)
        )
        if not force and not runs_already:
            await self._check_plugin(workflow, version, machine)
        command = PromoteVersion(
            workflow=workflow,
            version=version,
            environment=environment,
            machine_id=machine_id,
            force=force,
            comment=comment,
            user_id=caller.user_id,
            org_id=caller.org_id,
            by=caller.actor,
            now=self._recorder.now(),
        )
        await self._recorder.execute(caller, session, command)
        return session.existing

    async def _check_plugin(self, workflow: Workflow, version: int, machine: Machine) -> None:
        """Check that a machine has what only the plugin does; one never observed may have it.

        Raises:
            MachineLacksPlugin: with every node that needs it.
            NotFound: there is no such version, or its graph is gone.
            StorageUnavailable, StorageRefused: it is not known.

        """
        known = await self._classes.of(machine)
        if known is None:
            return
        graph = await self._graphs.read(workflow.version(version).graph_key)
        if problems := await in_thread(plugin_problems, graph, known):
            raise MachineLacksPlugin(problems=problems)

    async def roll_back(
        self, caller: Caller, deployment_id: UUID, *, version: int | None, comment: str
    ) -> Deployment:
        """Go back to *version*, or to the version before; never refused for inputs.

        Raises:
            NotFound: the caller has no such deployment.
            NothingToRollBack: it has not run that version, or none before.
            AggregateFull, LogUnavailable: it stays as it is.

        """
        session = await self._deployments.session(caller, deployment_id)
        deployment = session.existing
        command = RollBack(
            workflow=await self._workflows.find(caller, deployment.current.workflow_id),
            version=version,
            machines=await self._active_machines(caller, deployment),
            comment=comment,
            user_id=caller.user_id,
            org_id=caller.org_id,
            by=caller.actor,
            now=self._recorder.now(),
        )
        await self._recorder.execute(caller, session, command)
        return session.existing

    async def _active_machines(self, caller: Caller, deployment: Deployment) -> frozenset[UUID]:
        ids = {line.machine_id for line in deployment.history}
        machines = await asyncio.gather(*(self._machines.find(caller, one) for one in ids))
        return frozenset(m.id for m in machines if m.state is MachineState.ACTIVE)
