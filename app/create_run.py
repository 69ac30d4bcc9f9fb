"""Accepts a run: checks its inputs, stores its images, records that it exists. Nothing else."""

import time
from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from app.auth.caller import Caller
from app.find_run import RunSession
from app.house import House, recorded_by
from app.reads.deployments import DeploymentReads
from app.reads.owned import not_found
from app.request_hash import is_large, request_hash_of
from app.take_inputs import Draft, intake, look_at_all, store
from events.aggregates import RUN
from events.deployment import DeploymentPromoted
from events.errors import AlreadyExists
from events.graph.inputs import check_inputs
from events.ids import create_command_id, keyed_run_id
from events.run.commands import CreateRun
from events.run.events import RunCreated
from events.run.state import Run
from events.run.target import RunTarget
from events.subjects import identifier_of
from infra.event_store import Session
from infra.offload import in_thread_if
from infra.telemetry.tracing.spans import span


class Accepted(Struct, frozen=True, kw_only=True):
    """A run that will not be lost."""

    run: Run
    position: int
    replayed: bool
    """Whether an earlier request with the same key had made it."""


async def create_run(
    house: House,
    caller: Caller,
    *,
    deployment_id: UUID,
    inputs: Mapping[str, object],
    origin: str,
    idempotency_key: str | None,
) -> Accepted:
    """Accept a run of a deployment's current version.

    Raises:
        NotFound: the caller has no such deployment.
        InvalidInputs: with every problem there is.
        QuotaExceeded: the tenant has as many runs as it may have.
        AlreadyExists: the key belongs to a different request.
        StorageUnavailable, LogUnavailable: nothing was accepted; send it again.

    """
    if not caller.may_know(deployment_id):
        # Before a repeat is answered, too: the run it would be answered with is hidden as well.
        raise not_found("deployment")
    large = is_large(inputs)
    request = {"deployment_id": deployment_id, "inputs": inputs}
    request_hash = await in_thread_if(large, request_hash_of, request)
    session = open_run(house, caller, idempotency_key)
    # Before anything else: the deployment may have changed since the first request.
    if idempotency_key and (earlier := await earlier_run(house, session, request_hash)):
        return earlier
    deployment = await DeploymentReads(house.store, house.pool).current(caller, deployment_id)
    draft = Draft(
        run_id=identifier_of(session.name),
        request_hash=request_hash,
        values=await in_thread_if(large, check_inputs, deployment.inputs, inputs),
    )
    return await accept_run(house, caller, session, draft, target_of(deployment), origin=origin)


def open_run(house: House, caller: Caller, idempotency_key: str | None) -> RunSession:
    """Open the run that a key stands for, or a new one."""
    key = idempotency_key
    run_id = keyed_run_id(caller.tenant, key) if key else house.new_id()
    return Session(house.store, RUN, run_id, tenant=caller.tenant)


async def earlier_run(house: House, session: RunSession, request_hash: str) -> Accepted | None:
    """Give the run that an earlier request with the same key has made.

    Raises:
        AlreadyExists: the key belongs to a different request.

    """
    await session.load()
    run = session.state
    if run is None:
        return None
    if run.request_hash != request_hash:
        raise AlreadyExists("this Idempotency-Key belongs to a different request")
    house.recent_runs.note(run.id, session.position)
    house.metrics.accepted(1, replayed=True)
    return Accepted(run=run, position=session.position, replayed=True)


async def accept_run(
    house: House,
    caller: Caller,
    session: RunSession,
    draft: Draft,
    target: RunTarget,
    *,
    origin: str,
    rerun_of: UUID | None = None,
) -> Accepted:
    """Store the inputs of a run and record that it exists; see create_run."""
    with span("run.accept", comfyd__run__id=str(draft.run_id), comfyd__run__origin=origin):
        return await _accept(
            house, caller, session, draft, target, origin=origin, rerun_of=rerun_of
        )


async def _accept(
    house: House,
    caller: Caller,
    session: RunSession,
    draft: Draft,
    target: RunTarget,
    *,
    origin: str,
    rerun_of: UUID | None,
) -> Accepted:
    began = time.perf_counter()
    [seen] = await look_at_all(house, [draft])
    async with house.quotas.reserving(caller.tenant, (draft.run_id,)):
        taken = await store(house, caller.tenant, seen)
        await intake(house).confirm(taken.images)
    created = RunCreated(
        run_id=draft.run_id,
        user_id=caller.user_id,
        org_id=caller.org_id,
        **msgspec.structs.asdict(target),
        has_inputs=taken.has_inputs,
        request_hash=draft.request_hash,
        origin=origin,
        at=house.now(),
        rerun_of=rerun_of,
    )
    meta = house.meta(caller, command_id=create_command_id(draft.run_id, draft.request_hash))
    appended = await session.execute(CreateRun(created=created, images=taken.images), meta)
    run = session.existing
    if run.erased_at is not None:
        # A twin of this request was faster, and its run is erased already.
        await house.private.erase(draft.run_id)
    house.recent_runs.note(draft.run_id, session.position)
    replayed = not recorded_by(meta, appended)
    house.metrics.accepted(1, replayed=replayed, seconds=time.perf_counter() - began)
    return Accepted(run=run, position=session.position, replayed=replayed)


def target_of(deployment: DeploymentPromoted) -> RunTarget:
    """Give what a run of a deployment is a run of now."""
    names = RunTarget.__struct_fields__
    return RunTarget(**{name: getattr(deployment, name) for name in names})
