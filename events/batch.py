"""One batch: many runs under one id, promised in a single event before the first of them exists.

The id of each run follows from the batch's and its place, so that every attempt to create the runs
creates the same ones.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from events.errors import AlreadyExists, NotFound
from events.ids import batch_run_id
from events.run.commands import CreateRun
from events.run.events import ImageUploaded, RunCreated, RunTarget
from events.run.status import Status

MAX_RUNS = 500
"""Runs of a batch: their facts are one message of the log, which may have 1 MB."""


Moment = Annotated[datetime, Meta(tz=True)]


class RunFilter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which runs to repeat: those that fit every field."""

    status: Status | None = None
    deployment_id: UUID | None = None
    batch_id: UUID | None = None
    since: Annotated[Moment | None, Meta(description="Accepted at this moment or later.")] = None

    until: Annotated[Moment | None, Meta(description="Accepted before this moment.")] = None


class BatchItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a batch; its inputs are private and not here."""

    run_id: UUID
    request_hash: str
    has_inputs: bool
    target: int = 0
    """Which of the batch's targets it is a run of."""

    images: tuple[ImageUploaded, ...] = ()
    """Input images that are stored already."""

    rerun_of: UUID | None = None


class BatchCreated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch was accepted. Every run of it will be made."""

    batch_id: UUID
    user_id: str | None
    org_id: str | None
    targets: tuple[RunTarget, ...]
    """What its runs are runs of, each said once."""

    items: tuple[BatchItem, ...]
    request_hash: str
    """Hash of the request: the same key with another hash is another request."""

    origin: str
    at: datetime
    rerun: RunFilter | None = None
    """Which runs it repeats."""


class BatchStarted(Struct, frozen=True, kw_only=True):
    """Every run of the batch exists."""

    at: datetime


class BatchCancelRequested(Struct, frozen=True, kw_only=True):
    """Someone asked to stop all of its runs."""

    by: str
    at: datetime


BatchEvent = BatchCreated | BatchStarted | BatchCancelRequested


class Batch(Struct, frozen=True, kw_only=True):
    """The state of a batch itself; where it stands follows from its runs."""

    id: UUID
    user_id: str | None
    org_id: str | None
    deployments: tuple[UUID, ...]
    """Whose runs it has, each named once."""

    total: int
    request_hash: str
    rerun: RunFilter | None
    created_at: datetime
    started: bool = False
    """Whether every run of it exists."""

    cancelled_by: str | None = None
    """Who asked to stop it."""

    @property
    def run_ids(self) -> list[UUID]:
        """The ids of its runs, in order."""
        return [batch_run_id(self.id, index) for index in range(self.total)]


class CreateBatch(Struct, frozen=True, kw_only=True):
    """Accept a batch."""

    created: BatchCreated


class RecordStart(Struct, frozen=True, kw_only=True):
    """Record that every run of the batch exists."""

    now: datetime


class CancelBatch(Struct, frozen=True, kw_only=True):
    """Ask to stop all of its runs."""

    by: str
    now: datetime


BatchCommand = CreateBatch | RecordStart | CancelBatch


def evolve(batch: Batch | None, event: BatchEvent) -> Batch:
    """Fold one fact into the state."""
    if isinstance(event, BatchCreated):
        return batch or _created(event)
    if batch is None:
        raise ValueError(f"a batch begins with BatchCreated, not {type(event).__name__}")
    if isinstance(event, BatchStarted):
        return replace(batch, started=True)
    return replace(batch, cancelled_by=batch.cancelled_by or event.by)


def _created(event: BatchCreated) -> Batch:
    return Batch(
        id=event.batch_id,
        user_id=event.user_id,
        org_id=event.org_id,
        deployments=tuple(dict.fromkeys(target.deployment_id for target in event.targets)),
        total=len(event.items),
        request_hash=event.request_hash,
        rerun=event.rerun,
        created_at=event.at,
    )


def decide(batch: Batch | None, command: BatchCommand) -> Sequence[BatchEvent]:
    """Decide the events that follow; what is already so adds nothing.

    Raises:
        AlreadyExists: the id belongs to a different request.
        NotFound: there is no such batch.

    """
    if isinstance(command, CreateBatch):
        return _create(batch, command)
    if batch is None:
        raise NotFound("there is no batch with this id")
    if isinstance(command, RecordStart):
        return [] if batch.started else [BatchStarted(at=command.now)]
    if batch.cancelled_by is not None:
        return []
    return [BatchCancelRequested(by=command.by, at=command.now)]


def _create(batch: Batch | None, command: CreateBatch) -> Sequence[BatchEvent]:
    if batch is None:
        return [command.created]
    if batch.request_hash != command.created.request_hash:
        raise AlreadyExists("this Idempotency-Key belongs to a different request")
    return []


def run_command(batch: BatchCreated, index: int) -> CreateRun:
    """Return the command that makes a batch's run number *index*; always the same."""
    item = batch.items[index]
    target = batch.targets[item.target]
    created = RunCreated(
        run_id=item.run_id,
        user_id=batch.user_id,
        org_id=batch.org_id,
        workflow_id=target.workflow_id,
        version_id=target.version_id,
        version=target.version,
        deployment_id=target.deployment_id,
        environment=target.environment,
        machine_id=target.machine_id,
        graph_key=target.graph_key,
        ui_graph_key=target.ui_graph_key,
        has_inputs=item.has_inputs,
        request_hash=item.request_hash,
        origin=batch.origin,
        at=batch.at,
        batch_id=batch.batch_id,
        batch_index=index,
        rerun_of=item.rerun_of,
        workflow_name=target.workflow_name,
    )
    return CreateRun(created=created, images=item.images)
