"""Adds to a trace what only the log knows as a whole: the run, and when lists had it."""

from collections.abc import Sequence
from datetime import datetime

from events.aggregates import RUN
from events.codec import type_name_of
from events.envelope import AnyRecorded, Entry, Recorded
from events.run.events import StatusChanged
from events.run.status import TERMINAL, Status
from events.subjects import identifier_of
from infra.event_store import EventStore, load
from infra.telemetry.tracing.spans import enabled, of_run, run_part, whole_run

_STATUS_CHANGED = type_name_of(StatusChanged)


def ends_run(event_type: str, status: str) -> bool:
    """Return whether an event of that type, after which its run has that status, ends the run."""
    return event_type == _STATUS_CHANGED and status in TERMINAL


async def trace_ended_run(recorded: AnyRecorded, store: EventStore) -> None:
    """Add the span of a run, once the fact that ended it was recorded.

    The reactor does it, since it sees every fact, of every process, and again when it dies.

    Raises:
        LogUnavailable: the log does not answer; do it again.

    """
    session = await load(store, RUN, identifier_of(recorded.aggregate))
    run = session.existing
    failed = run.status in {Status.FAILED, Status.TIMEOUT}
    whole_run(
        run.id,
        session.traceparent,
        start=run.created_at,
        end=recorded.recorded_at,
        error=(run.error.code if run.error else str(run.status)) if failed else "",
        comfyd__run__status=str(run.status),
        comfyd__run__attempts=run.attempt,
        comfyd__machine__id=str(run.machine_id),
        comfyd__deployment__id=str(run.deployment_id),
        comfyd__workflow__id=str(run.workflow_id),
        comfyd__workflow__version=run.version,
    )


def trace_projected(entries: Sequence[Entry], now: datetime) -> None:
    """Add how long after its end each run of *entries* was in the lists."""
    if not enabled():
        return
    for entry in entries:
        if isinstance(entry, Recorded) and ends_run(entry.type, entry.status):
            run_id, begun_by = identifier_of(entry.aggregate), entry.meta.traceparent
            # What a request of its own ended, such as a cancellation, is in the trace of that.
            if of_run(run_id, begun_by) == begun_by:
                run_part("run.project", run_id, begun_by, start=entry.recorded_at, end=now)
