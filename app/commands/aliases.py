"""Have ids of another system stand for things of ours, so that its clients need not change."""

from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.reads.deployments import DeploymentReads
from app.reads.machines import MachineReads
from app.reads.workflows import WorkflowReads
from events import ids
from events.aggregates import ALIAS
from events.alias import Alias, AliasKind, AssignAlias, canonical
from infra.event_store import load


class Aliases:
    """Use-case: assign aliases."""

    def __init__(
        self,
        recorder: Recorder,
        workflows: WorkflowReads,
        deployments: DeploymentReads,
        machines: MachineReads,
    ) -> None:
        self._recorder = recorder
        self._workflows = workflows
        self._deployments = deployments
        self._machines = machines

    async def assign(
        self, caller: Caller, *, kind: AliasKind, foreign_id: str, target_id: UUID
    ) -> Alias:
        """Have a foreign id stand for a thing of the caller's; the same again changes nothing.

        Raises:
            NotFound: the caller has no such thing.
            AliasReserved: the foreign id may be one of ours.
            ReadModelsBehind: the version is not known yet; later might work.
            LogUnavailable: it is not assigned.

        """
        await self._check_target(caller, kind, target_id)
        foreign_id = canonical(foreign_id)
        alias_id = ids.alias_id(caller.tenant, kind, foreign_id)
        session = await load(self._recorder.store, ALIAS, alias_id)
        command = AssignAlias(
            kind=kind,
            foreign_id=foreign_id,
            target_id=target_id,
            by=caller.actor,
            now=self._recorder.now(),
        )
        await self._recorder.execute(caller, session, command)
        return session.existing

    async def _check_target(self, caller: Caller, kind: AliasKind, target_id: UUID) -> None:
        match kind:
            case AliasKind.WORKFLOW:
                await self._workflows.find(caller, target_id)
            case AliasKind.VERSION:
                await self._workflows.with_version(caller, target_id)
            case AliasKind.DEPLOYMENT:
                await self._deployments.current(caller, target_id)
            case AliasKind.MACHINE:
                await self._machines.present(caller, target_id)
