"""Choose the version that an environment runs: promotion and rollback."""

import asyncio
from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.http.bad_request import bad
from app.reads.deployments import DeploymentReads
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads
from events import ids
from events.aggregates import DEPLOYMENT
from events.deployment import Deployment, PromoteVersion, RollBack
from events.machine.state import MachineState
from infra.event_store import load


class Promotions:
    """Use-cases that change what a deployment runs."""

    def __init__(
        self,
        recorder: Recorder,
        deployments: DeploymentReads,
        workflows: WorkflowReads,
        machines: MachineReads,
    ) -> None:
        self._recorder = recorder
        self._deployments = deployments
        self._workflows = workflows
        self._machines = machines

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
            AggregateFull, LogUnavailable: it is not promoted.

        """
        workflow = await self._workflows.find(caller, workflow_id)
        deployment_id = ids.deployment_id(workflow.id, environment)
        session = await load(self._recorder.store, DEPLOYMENT, deployment_id)
        kept = session.state.current.machine_id if session.state else None
        if (runs_on := machine_id or kept) is None:
            raise bad("field_missing", "/machine_id", field="machine_id")
        await self._machines.present(caller, runs_on)
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
