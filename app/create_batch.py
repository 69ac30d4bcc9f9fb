"""Accepts a batch: many runs, all checked before any is accepted, promised in one event.

The event's acknowledgement is the acceptance. The runs are made at once all the same; if this
process dies before they are, a worker makes them (consumers/batches.py).
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.auth.caller import Caller
from app.create_run import target_of
from app.house import House, recorded_by
from app.reads.deployments import DeploymentReads
from app.reads.owned import not_found
from app.request_hash import request_hash_of
from app.take_inputs import Draft, Seen, check_all, intake, look_at_all, store_all
from events.aggregates import BATCH
from events.batch import Batch, BatchCreated, BatchItem, CreateBatch, RunFilter
from events.errors import AlreadyExists
from events.graph.values import Value
from events.ids import batch_run_id, derived, keyed_batch_id
from events.run.events import ImageUploaded
from events.run.target import RunTarget
from events.subjects import identifier_of
from infra.batch_runs import BatchSession, carry_out
from infra.event_store import LogUnavailable, Session, TooLarge, VersionConflict
from infra.offload import in_thread

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode

KEY_LENGTH = 200
"""Characters of an image's key in object storage, at most."""


class Plan(Struct, frozen=True, kw_only=True):
    """A run that a batch shall have."""

    target: RunTarget
    request_hash: str
    values: Mapping[str, Value]
    pointer: str = ""
    known_images: tuple[ImageUploaded, ...] = ()
    rerun_of: UUID | None = None


class AcceptedBatch(Struct, frozen=True, kw_only=True):
    """A batch that will not be lost."""

    batch: Batch
    position: int
    replayed: bool
    """Whether an earlier request with the same key had made it."""


async def create_batch(
    house: House,
    caller: Caller,
    *,
    deployment_id: UUID,
    inputs: Sequence[Mapping[str, object]],
    idempotency_key: str | None,
) -> AcceptedBatch:
    """Accept a run of a deployment's current version for each of *inputs*.

    Raises:
        NotFound: the caller has no such deployment.
        InvalidInputs: with every problem of every run.
        QuotaExceeded: the tenant may not have so many more runs.
        AlreadyExists: the key belongs to a different request.
        TooLarge: there is more to be kept than the log takes at once.
        StorageUnavailable, LogUnavailable: nothing was accepted; send it again.

    """
    if not caller.may_know(deployment_id):
        raise not_found("deployment")
    hashes = await in_thread(_hashes_of, deployment_id, inputs)
    request_hash = request_hash_of({"runs": hashes})
    session = open_batch(house, caller, idempotency_key)
    if idempotency_key and (earlier := await earlier_batch(house, caller, session, request_hash)):
        return earlier
    deployment = await DeploymentReads(house.store, house.pool).current(caller, deployment_id)
    places = [f"/inputs/{index}" for index in range(len(inputs))]
    requests = dict(zip(places, inputs, strict=True))
    checked = await in_thread(check_all, deployment.inputs, requests)
    target = target_of(deployment)
    plans = [
        Plan(target=target, request_hash=of_one, values=values, pointer=place)
        for place, of_one, values in zip(places, hashes, checked, strict=True)
    ]
    return await accept_batch(house, caller, session, plans, request_hash=request_hash)


def _hashes_of(deployment_id: UUID, inputs: Sequence[Mapping[str, object]]) -> list[str]:
    return [request_hash_of({"deployment_id": deployment_id, "inputs": one}) for one in inputs]


def open_batch(house: House, caller: Caller, idempotency_key: str | None) -> BatchSession:
    """Open the batch that a key stands for, or a new one."""
    key = idempotency_key
    batch_id = keyed_batch_id(caller.tenant, key) if key else house.new_id()
    return Session(house.store, BATCH, batch_id, tenant=caller.tenant)


async def earlier_batch(
    house: House, caller: Caller, session: BatchSession, request_hash: str
) -> AcceptedBatch | None:
    """Give the batch that an earlier request with the same key has made.

    Raises:
        AlreadyExists: the key belongs to a different request.
        NotFound: the caller may not know of it.

    """
    await session.load()
    batch = session.state
    if batch is None:
        return None
    if batch.request_hash != request_hash:
        raise AlreadyExists("this Idempotency-Key belongs to a different request")
    if not all(map(caller.may_know, batch.deployments)):
        raise not_found("deployment")
    house.metrics.accepted(len(batch.run_ids), replayed=True)
    return AcceptedBatch(batch=batch, position=session.position, replayed=True)


async def accept_batch(
    house: House,
    caller: Caller,
    session: BatchSession,
    plans: Sequence[Plan],
    *,
    request_hash: str,
    rerun: RunFilter | None = None,
) -> AcceptedBatch:
    """Store the inputs of all runs, promise the runs, and make them; see create_batch."""
    began = time.perf_counter()
    batch_id = identifier_of(session.name)
    drafts = [_draft(batch_id, index, plan) for index, plan in enumerate(plans)]
    seen = await look_at_all(house, drafts)
    bare = BatchCreated(
        batch_id=batch_id,
        user_id=caller.user_id,
        org_id=caller.org_id,
        targets=tuple(dict.fromkeys(plan.target for plan in plans)),
        items=tuple(_items(plans, drafts)),
        request_hash=request_hash,
        origin="api",
        at=house.now(),
        rerun=rerun,
    )
    _check_room(house, bare, seen)
    async with house.quotas.reserving(caller.tenant, [draft.run_id for draft in drafts]):
        taken = await store_all(house, caller.tenant, seen)
        await intake(house).confirm(image for one in taken for image in one.images)
    created = _with_images(bare, [one.images for one in taken])
    accepted = await _record(house, caller, session, created)
    house.metrics.accepted(
        len(plans), replayed=accepted.replayed, seconds=time.perf_counter() - began
    )
    return accepted


async def _record(
    house: House, caller: Caller, session: BatchSession, created: BatchCreated
) -> AcceptedBatch:
    command_id = derived("create-batch", created.batch_id, created.request_hash)
    meta = house.meta(caller, command_id=command_id)
    appended = await session.execute(CreateBatch(created=created), meta)
    house.recent_batches.note(created.batch_id, session.position)
    try:
        await carry_out(house.store, created.batch_id, house.now)
    except (LogUnavailable, VersionConflict) as error:
        log.warning("batch.left_to_workers", extra={"error": str(error)})
    replayed = not recorded_by(meta, appended)
    return AcceptedBatch(batch=session.existing, position=session.position, replayed=replayed)


def _draft(batch_id: UUID, index: int, plan: Plan) -> Draft:
    return Draft(
        run_id=batch_run_id(batch_id, index),
        request_hash=plan.request_hash,
        values=plan.values,
        pointer=plan.pointer,
        known_images=plan.known_images,
    )


def _items(plans: Sequence[Plan], drafts: Sequence[Draft]) -> Iterator[BatchItem]:
    targets = {target: n for n, target in enumerate(dict.fromkeys(p.target for p in plans))}
    for plan, draft in zip(plans, drafts, strict=True):
        yield BatchItem(
            run_id=draft.run_id,
            request_hash=draft.request_hash,
            has_inputs=bool(draft.values),
            target=targets[plan.target],
            rerun_of=plan.rerun_of,
        )


def _with_images(batch: BatchCreated, images: Iterable[tuple[ImageUploaded, ...]]) -> BatchCreated:
    items = zip(batch.items, images, strict=True)
    return replace(batch, items=tuple(replace(item, images=of_it) for item, of_it in items))


def _check_room(house: House, bare: BatchCreated, seen: Sequence[Seen]) -> None:
    """Look whether the promise fits into the log, before anything is stored for it."""
    expected = _with_images(bare, [tuple(_expected(one, bare.at)) for one in seen])
    if len(_encode(expected)) > house.log_groups.room:
        raise TooLarge(f"batch {bare.batch_id}")


def _expected(seen: Seen, now: datetime) -> Iterator[ImageUploaded]:
    """Give the images of a run as they will be told, at their longest."""
    yield from seen.draft.known_images
    for name, facts in seen.facts.items():
        yield ImageUploaded(
            role="input",
            name=name,
            key="-" * KEY_LENGTH,
            media_type=facts.media_type,
            bytes=10**9,
            sha256="-" * 64,
            width=facts.width,
            height=facts.height,
            upload_duration=1000.001,
            attempt=0,
            index=-1,
            at=now,
        )
