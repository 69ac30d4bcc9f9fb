"""Turns facts into work: which event makes which worker do something. Nothing else does."""

from uuid import UUID

from events import codec
from events.aggregates import RUN
from events.batch import BatchCancelRequested, BatchCreated
from events.envelope import AnyRecorded
from events.machine.events import (
    MachineMoved,
    MachineRegistered,
    MachineRemoved,
    MachineResumed,
    MachineTokenSealed,
)
from events.run.events import (
    OutputsProduced,
    RetryScheduled,
    RunCreated,
    RunDataErased,
    RunInputsErased,
    StatusChanged,
)
from events.run.status import TERMINAL
from events.run.thumbnails import thumbnailed
from events.subjects import OBSERVE_WORK, identifier_of
from events.work import (
    Piece,
    erasure_piece,
    inputs_erasure_piece,
    render_piece,
    start_piece,
    stop_piece,
    thumbnail_piece,
    upload_piece,
)
from infra.event_store import EventStore, load
from infra.jetstream.work.queue import WorkQueue

REACTED_TO = frozenset(
    codec.type_name_of(kind)
    for kind in (
        RunCreated,
        RetryScheduled,
        OutputsProduced,
        RunDataErased,
        RunInputsErased,
        BatchCreated,
        BatchCancelRequested,
        MachineRegistered,
        MachineMoved,
        MachineTokenSealed,
        MachineResumed,
        MachineRemoved,
    )
)
"""Types of the events that something follows from; the others need not even be decoded.

So it is with the end of a run, which headers show as well: see worker.py.
"""


async def react(recorded: AnyRecorded, *, store: EventStore, queue: WorkQueue) -> None:
    """Do what follows from one fact. Safe to do twice.

    Raises:
        LogUnavailable: react again later.

    """
    match recorded.event:
        case RunCreated() as created:
            await _put(recorded, render_piece(created.run_id, created.machine_id, 1), queue)
        case RetryScheduled() as retry:
            run = await load(store, RUN, identifier_of(recorded.aggregate))
            machine_id = run.existing.machine_id
            await _put(recorded, render_piece(run.existing.id, machine_id, retry.attempt), queue)
        case OutputsProduced() as produced:
            run_id = identifier_of(recorded.aggregate)
            await _put(recorded, upload_piece(run_id, produced.attempt), queue)
        case RunDataErased() | RunInputsErased() as erased:
            run_id = identifier_of(recorded.aggregate)
            await _put(recorded, _erasure(erased, run_id), queue)
        case StatusChanged(status=status) if status in TERMINAL:
            await _make_thumbnails(recorded, store, queue)
        case BatchCreated():
            await _put(recorded, start_piece(identifier_of(recorded.aggregate)), queue)
        case BatchCancelRequested():
            await _put(recorded, stop_piece(identifier_of(recorded.aggregate)), queue)
        case MachineRegistered() as registered:
            await queue.serve_machine(registered.machine_id)
            await _observe(recorded, queue)
        case MachineMoved() | MachineTokenSealed() | MachineResumed() | MachineRemoved():
            await _observe(recorded, queue)
        case _:
            pass


def _erasure(erased: RunDataErased | RunInputsErased, run_id: UUID) -> Piece:
    if isinstance(erased, RunInputsErased):
        return inputs_erasure_piece(run_id)
    return erasure_piece(run_id)


async def _make_thumbnails(recorded: AnyRecorded, store: EventStore, queue: WorkQueue) -> None:
    run = (await load(store, RUN, identifier_of(recorded.aggregate))).existing
    if thumbnailed(run):
        await _put(recorded, thumbnail_piece(run.id), queue)


async def _observe(recorded: AnyRecorded, queue: WorkQueue) -> None:
    machine_id = identifier_of(recorded.aggregate)
    await queue.put(OBSERVE_WORK, machine_id, message_id=f"{recorded.id}:observe")


async def _put(recorded: AnyRecorded, piece: Piece, queue: WorkQueue) -> None:
    # A fact that is delivered again finds the piece in the queue, or its id remembered.
    await queue.put_piece(piece, message_id=f"{recorded.id}:{piece.subject}")
