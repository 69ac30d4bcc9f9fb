"""Creates the runs of a batch, and cancels them when that was asked.

The process that accepted the batch does it at once; when it died, a worker does the rest. Both may
do it at the same time: the same commands have the same ids, so everything is recorded once.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from events.aggregates import BATCH, RUN
from events.batch import Batch, BatchCommand, BatchCreated, BatchEvent, RecordStart, run_command
from events.envelope import AnyRecorded, Meta
from events.ids import create_command_id, derived
from events.run.commands import RequestCancel
from infra.event_store import EventStore, Session, load
from infra.gather_bounded import gather_bounded

BatchSession = Session[Batch, BatchCommand, BatchEvent]
Now = Callable[[], datetime]

AT_ONCE = 32
"""Runs that are made or stopped at the same time."""


async def carry_out(store: EventStore, batch_id: UUID, now: Now) -> None:
    """Make the runs of a batch that are missing, and stop them all if that was asked.

    Raises:
        LogUnavailable, VersionConflict: not everything is done; do it again.

    """
    session = await load(store, BATCH, batch_id)
    if session.state is None:
        return
    first = (await store.read(session.name))[0]
    if not session.state.started:
        await _make_runs(store, first)
        meta = _meta(first, derived("start", session.name))
        # Finds out, too, whether someone has asked to stop it in the meantime.
        await session.execute(RecordStart(now=now()), meta)
    if session.state.cancelled_by is not None:
        await _stop_runs(store, session.state, first, now)


async def _make_runs(store: EventStore, first: AnyRecorded) -> None:
    batch: BatchCreated = first.event

    async def make(index: int) -> None:
        item = batch.items[index]
        run = Session(store, RUN, item.run_id, tenant=first.meta.tenant)
        command_id = create_command_id(item.run_id, item.request_hash)
        await run.execute(run_command(batch, index), _meta(first, command_id))

    await gather_bounded(make, range(len(batch.items)), at_once=AT_ONCE)


async def _stop_runs(store: EventStore, batch: Batch, first: AnyRecorded, now: Now) -> None:
    by = batch.cancelled_by or ""

    async def stop(run_id: UUID) -> None:
        run = await load(store, RUN, run_id)
        meta = _meta(first, derived("stop", batch.id, run_id), actor=by)
        await run.execute(RequestCancel(by=by, now=now()), meta)

    await gather_bounded(stop, batch.run_ids, at_once=AT_ONCE)


def _meta(first: AnyRecorded, command_id: UUID, *, actor: str = "") -> Meta:
    return Meta(
        tenant=first.meta.tenant,
        actor=actor or first.meta.actor,
        command_id=command_id,
        correlation_id=first.meta.correlation_id,
        causation_id=str(first.id),
        traceparent=first.meta.traceparent,
    )
