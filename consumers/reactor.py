"""Turns facts into work: which event makes which worker do something. Nothing else does."""

from uuid import UUID

from events import codec
from events.batch import BatchCancelRequested, BatchCreated
from events.decider import RUN
from events.envelope import AnyRecorded
from events.machine_events import (
    MachineMoved,
    MachineRegistered,
    MachineRemoved,
    MachineResumed,
    MachineTokenSealed,
)
from events.run_events import OutputsProduced, RetryScheduled, RunCreated, RunDataErased
from events.subjects import (
    BATCH_WORK,
    ERASE_WORK,
    OBSERVE_WORK,
    UPLOAD_WORK,
    identifier_of,
    render_work,
)
from infra.event_store import EventStore, load
from infra.work_queue import WorkQueue

REACTED_TO = frozenset(
    codec.type_name_of(kind)
    for kind in (
        RunCreated,
        RetryScheduled,
        OutputsProduced,
        RunDataErased,
        BatchCreated,
        BatchCancelRequested,
        MachineRegistered,
        MachineMoved,
        MachineTokenSealed,
        MachineResumed,
        MachineRemoved,
    )
)
"""Types of the events that something follows from; the others need not even be decoded."""


async def react(recorded: AnyRecorded, *, store: EventStore, queue: WorkQueue) -> None:
    """Do what follows from one fact. Safe to do twice.

    Raises:
        LogUnavailable: react again later.

    """
    match recorded.event:
        case RunCreated() as created:
            await _render(recorded, created.run_id, created.machine_id, queue)
        case RetryScheduled():
            run_id = identifier_of(recorded.aggregate)
            run = await load(store, RUN, run_id)
            await _render(recorded, run_id, run.existing.machine_id, queue)
        case OutputsProduced():
            run_id = identifier_of(recorded.aggregate)
            await queue.put(UPLOAD_WORK, run_id, message_id=f"{recorded.id}:upload")
        case RunDataErased():
            run_id = identifier_of(recorded.aggregate)
            await queue.put(ERASE_WORK, run_id, message_id=f"{recorded.id}:erase")
        case BatchCreated() | BatchCancelRequested():
            batch_id = identifier_of(recorded.aggregate)
            await queue.put(BATCH_WORK, batch_id, message_id=f"{recorded.id}:batch")
        case MachineRegistered() as registered:
            await queue.serve_machine(registered.machine_id)
            await _observe(recorded, queue)
        case MachineMoved() | MachineTokenSealed() | MachineResumed() | MachineRemoved():
            await _observe(recorded, queue)
        case _:
            pass


async def _observe(recorded: AnyRecorded, queue: WorkQueue) -> None:
    machine_id = identifier_of(recorded.aggregate)
    await queue.put(OBSERVE_WORK, machine_id, message_id=f"{recorded.id}:observe")


async def _render(recorded: AnyRecorded, run_id: UUID, machine_id: UUID, queue: WorkQueue) -> None:
    await queue.put(render_work(machine_id), run_id, message_id=f"{recorded.id}:render")
