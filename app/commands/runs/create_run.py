"""Create a run: check its inputs, store its images, record that it exists. Nothing else."""

import time
from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from app.auth.caller import Caller
from app.commands.idempotency import is_large, open_for_key, request_hash_of
from app.commands.recorder import Recorder, recorded_by
from app.commands.runs.run_inputs import RunDraft, RunInputs
from app.limits.quotas import Quotas
from app.reads.deployments import DeploymentReads
from app.reads.owned import not_found
from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.runs import RunSession
from events.aggregates import DEPLOYMENT, RUN
from events.deployment import DeploymentPromoted
from events.graph.inputs import check_inputs
from events.ids import create_command_id, keyed_run_id
from events.run.commands import CreateRun
from events.run.events import RunCreated, RunTarget
from events.run.state import Run
from events.subjects import identifier_of
from infra.offload import in_thread_if
from infra.telemetry.api_metrics import ApiMetrics
from infra.telemetry.tracing.spans import span


class AcceptedRun(Struct, frozen=True, kw_only=True):
    """A run that will not be lost."""

    run: Run
    position: int
    replayed: bool
    """Whether an earlier request with the same key had made it."""


class RunCreator:
    """Use-case: create a run of a deployment."""

    def __init__(
        self,
        recorder: Recorder,
        deployments: DeploymentReads,
        inputs: RunInputs,
        quotas: Quotas,
        recent: RecentWrites,
        metrics: ApiMetrics,
    ) -> None:
        self._recorder = recorder
        self._deployments = deployments
        self._inputs = inputs
        self._quotas = quotas
        self._recent = recent
        self._metrics = metrics

    async def create(
        self,
        caller: Caller,
        *,
        deployment_id: UUID,
        inputs: Mapping[str, object],
        origin: str,
        idempotency_key: str | None,
    ) -> AcceptedRun:
        """Accept a run of a deployment's current version.

        Raises:
            NotFound: the caller has no such deployment.
            InvalidInputs: with every problem there is.
            QuotaExceeded: the tenant has as many runs as it may have.
            AlreadyExists: the key belongs to a different request.
            StorageUnavailable, LogUnavailable: nothing was accepted; send it again.

        """
        if not caller.may_know(deployment_id):
            # Before a repeat is answered, too: the run that would answer it is hidden as well.
            raise not_found(DEPLOYMENT.kind)
        large = is_large(inputs)
        request = {"deployment_id": deployment_id, "inputs": inputs}
        request_hash = await in_thread_if(large, request_hash_of, request)
        session = await self.open(caller, idempotency_key, request_hash)
        # Before anything else: the deployment may have changed since the first request.
        if session.state is not None:
            return self.replayed(session)
        deployment = await self._deployments.current(caller, deployment_id)
        draft = RunDraft(
            run_id=identifier_of(session.name),
            machine_id=deployment.machine_id,
            request_hash=request_hash,
            values=await in_thread_if(large, check_inputs, deployment.inputs, inputs),
        )
        return await self.accept(caller, session, draft, target_of(deployment), origin=origin)

    async def open(self, caller: Caller, key: str | None, request_hash: str) -> RunSession:
        """Open the run that a key stands for, or a new one; see open_for_key."""
        return await open_for_key(
            self._recorder, caller, RUN, keyed_run_id, key=key, request_hash=request_hash
        )

    def replayed(self, session: RunSession) -> AcceptedRun:
        """Return the run that an earlier request with the same key has made."""
        run = session.existing
        self._recent.note(run.id, session.position)
        self._metrics.accepted(1, replayed=True)
        return AcceptedRun(run=run, position=session.position, replayed=True)

    async def accept(
        self,
        caller: Caller,
        session: RunSession,
        draft: RunDraft,
        target: RunTarget,
        *,
        origin: str,
        rerun_of: UUID | None = None,
    ) -> AcceptedRun:
        """Store the inputs of a run and record that it exists; raises as `create`."""
        with span("run.accept", comfyd__run__id=str(draft.run_id), comfyd__run__origin=origin):
            began = time.perf_counter()
            [valid] = await self._inputs.validate([draft])
            async with self._quotas.reserving(caller.tenant, (draft.run_id,)):
                stored = await self._inputs.store(caller.tenant, valid)
            created = RunCreated(
                run_id=draft.run_id,
                user_id=caller.user_id,
                org_id=caller.org_id,
                **msgspec.structs.asdict(target),
                has_inputs=stored.has_inputs,
                request_hash=draft.request_hash,
                origin=origin,
                at=self._recorder.now(),
                rerun_of=rerun_of,
            )
            accepted = await self._record(
                caller, session, CreateRun(created=created, images=stored.images)
            )
            seconds = time.perf_counter() - began
            self._metrics.accepted(1, replayed=accepted.replayed, seconds=seconds)
            return accepted

    async def _record(self, caller: Caller, session: RunSession, command: CreateRun) -> AcceptedRun:
        created = command.created
        command_id = create_command_id(created.run_id, created.request_hash)
        meta = self._recorder.meta(caller, command_id=command_id)
        appended = await session.execute(command, meta)
        run = session.existing
        if run.inputs_gone:
            # A twin of this request was faster, and its run is erased already.
            await self._inputs.erase(run.id)
        self._recent.note(run.id, session.position)
        replayed = not recorded_by(meta, appended)
        return AcceptedRun(run=run, position=session.position, replayed=replayed)


def target_of(deployment: DeploymentPromoted) -> RunTarget:
    """Return what a run of a deployment is a run of now."""
    names = RunTarget.__struct_fields__
    return RunTarget(**{name: getattr(deployment, name) for name in names})
