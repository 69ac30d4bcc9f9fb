"""Create a batch: many runs, all checked before any is accepted, promised in one event.

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
from app.commands.idempotency import open_for_key, request_hash_of
from app.commands.recorder import Recorder, recorded_by
from app.commands.runs.create_run import target_of
from app.commands.runs.run_inputs import RunDraft, RunInputs, ValidInputs, check_all
from app.limits.quotas import Quotas
from app.reads.deployments import DeploymentReads
from app.reads.owned import not_found
from app.reads.runs.recent_writes import RecentWrites
from events.aggregates import BATCH, DEPLOYMENT
from events.batch import Batch, BatchCreated, BatchItem, CreateBatch, RunFilter
from events.files import FileRef
from events.graph.externals.values import Value
from events.ids import batch_run_id, derived, keyed_batch_id
from events.run.events import ImageUploaded, RunTarget, input_uploaded
from events.subjects import identifier_of
from infra.batch_runs import BatchSession, carry_out
from infra.event_store import LogUnavailable, TooLarge, VersionConflict
from infra.jetstream.log.aggregates import LogReader
from infra.offload import in_thread
from infra.telemetry.api_metrics import ApiMetrics

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode

KEY_LENGTH = 200
"""Characters of an image's key in object storage, at most."""


class RunPlan(Struct, frozen=True, kw_only=True):
    """A run of a batch that is being made."""

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


class BatchCreator:
    """Use-case: create many runs of a deployment, all or none."""

    def __init__(
        self,
        recorder: Recorder,
        deployments: DeploymentReads,
        inputs: RunInputs,
        quotas: Quotas,
        recent: RecentWrites,
        log_reader: LogReader,
        metrics: ApiMetrics,
    ) -> None:
        self._recorder = recorder
        self._deployments = deployments
        self._inputs = inputs
        self._quotas = quotas
        self._recent = recent
        self._log_reader = log_reader
        self._metrics = metrics

    async def create(
        self,
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
            raise not_found(DEPLOYMENT.kind)
        hashes = await in_thread(_hashes_of, deployment_id, inputs)
        request_hash = request_hash_of({"runs": hashes})
        session = await self.open(caller, idempotency_key, request_hash)
        if session.state is not None:
            return self.replayed(caller, session)
        deployment = await self._deployments.current(caller, deployment_id)
        places = [f"/inputs/{index}" for index in range(len(inputs))]
        requests = dict(zip(places, inputs, strict=True))
        checked = await in_thread(check_all, deployment.inputs, requests)
        target = target_of(deployment)
        plans = [
            RunPlan(target=target, request_hash=of_one, values=values, pointer=place)
            for place, of_one, values in zip(places, hashes, checked, strict=True)
        ]
        return await self.accept(caller, session, plans, request_hash=request_hash)

    async def open(self, caller: Caller, key: str | None, request_hash: str) -> BatchSession:
        """Open the batch that a key stands for, or a new one; see open_for_key."""
        return await open_for_key(
            self._recorder, caller, BATCH, keyed_batch_id, key=key, request_hash=request_hash
        )

    def replayed(self, caller: Caller, session: BatchSession) -> AcceptedBatch:
        """Return the batch that an earlier request with the same key has made.

        Raises:
            NotFound: the caller may not know of it.

        """
        batch = session.existing
        if not all(map(caller.may_know, batch.deployments)):
            raise not_found(DEPLOYMENT.kind)
        self._metrics.accepted(len(batch.run_ids), replayed=True)
        return AcceptedBatch(batch=batch, position=session.position, replayed=True)

    async def accept(
        self,
        caller: Caller,
        session: BatchSession,
        plans: Sequence[RunPlan],
        *,
        request_hash: str,
        rerun: RunFilter | None = None,
    ) -> AcceptedBatch:
        """Store the inputs of all runs, promise the runs, and make them; raises as `create`."""
        began = time.perf_counter()
        batch_id = identifier_of(session.name)
        drafts = [_draft(batch_id, index, plan) for index, plan in enumerate(plans)]
        valid = await self._inputs.validate(drafts)
        bare = BatchCreated(
            batch_id=batch_id,
            user_id=caller.user_id,
            org_id=caller.org_id,
            targets=tuple(dict.fromkeys(plan.target for plan in plans)),
            items=tuple(_items(plans, drafts)),
            request_hash=request_hash,
            origin="api",
            at=self._recorder.now(),
            rerun=rerun,
        )
        self._check_room(bare, valid)
        async with self._quotas.reserving(caller.tenant, [draft.run_id for draft in drafts]):
            stored = await self._inputs.store_all(caller.tenant, valid)
        created = _with_images(bare, [one.images for one in stored])
        accepted = await self._record(caller, session, created)
        seconds = time.perf_counter() - began
        self._metrics.accepted(len(plans), replayed=accepted.replayed, seconds=seconds)
        return accepted

    async def _record(
        self, caller: Caller, session: BatchSession, created: BatchCreated
    ) -> AcceptedBatch:
        command_id = derived("create-batch", created.batch_id, created.request_hash)
        meta = self._recorder.meta(caller, command_id=command_id)
        appended = await session.execute(CreateBatch(created=created), meta)
        self._recent.note(created.batch_id, session.position)
        await carry_out_or_leave(self._recorder, created.batch_id)
        replayed = not recorded_by(meta, appended)
        return AcceptedBatch(batch=session.existing, position=session.position, replayed=replayed)

    def _check_room(self, bare: BatchCreated, valid: Sequence[ValidInputs]) -> None:
        """Check that the promise fits into the log, before anything is stored for it."""
        expected = _with_images(bare, [tuple(_expected(one, bare.at)) for one in valid])
        if len(_encode(expected)) > self._log_reader.max_body:
            raise TooLarge(f"batch {bare.batch_id}")


async def carry_out_or_leave(recorder: Recorder, batch_id: UUID) -> None:
    """Do what a batch has promised; leave it to the workers if the log does not answer."""
    try:
        await carry_out(recorder.store, batch_id, recorder.now)
    except (LogUnavailable, VersionConflict) as error:
        log.warning("batch.left_to_workers", extra={"error": str(error)})


def _hashes_of(deployment_id: UUID, inputs: Sequence[Mapping[str, object]]) -> list[str]:
    return [request_hash_of({"deployment_id": deployment_id, "inputs": one}) for one in inputs]


def _draft(batch_id: UUID, index: int, plan: RunPlan) -> RunDraft:
    return RunDraft(
        run_id=batch_run_id(batch_id, index),
        machine_id=plan.target.machine_id,
        request_hash=plan.request_hash,
        values=plan.values,
        pointer=plan.pointer,
        known_images=plan.known_images,
    )


def _items(plans: Sequence[RunPlan], drafts: Sequence[RunDraft]) -> Iterator[BatchItem]:
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


def _expected(valid: ValidInputs, now: datetime) -> Iterator[ImageUploaded]:
    """Yield the images of a run as they will be recorded, at their longest."""
    yield from valid.draft.known_images
    for name, facts in valid.facts.items():
        file = FileRef(
            key="-" * KEY_LENGTH,
            media_type=facts.media_type,
            bytes=10**9,
            sha256="-" * 64,
            width=facts.width,
            height=facts.height,
        )
        yield input_uploaded(file, name=name, upload_duration=1000.001, at=now)
