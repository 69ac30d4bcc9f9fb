"""Runs that have ended with a file of a test's own: any type, any size, any name."""

from uuid import UUID

from msgspec.structs import replace

from events.aggregates import RUN
from events.files import FileRef
from events.run.events import RunEvent, StatusChanged, output_uploaded
from events.run.output import Output
from events.run.status import Status
from infra.event_store import EventStore
from tests.builders.facts import MACHINE_ID, NOW, claimed, created, draft, produced


async def record_run(log: EventStore, run_id: UUID, name: str, stored: FileRef) -> None:
    """Record a run of ada's that has ended with one file."""
    output = Output(index=0, node_id="9", kind="images", filename=name, name=name)
    history: list[RunEvent] = [
        created(run_id=run_id),
        claimed(run_id=run_id),
        _changed(Status.RUNNING),
        produced(output),
        output_uploaded(stored, output, attempt=1, upload_duration=0.1, at=NOW),
        _changed(Status.SUCCESS),
    ]
    state, drafts = None, []
    for version, event in enumerate(history, start=1):
        state = RUN.evolve(state, event)
        entry = draft(event, version=version, run_id=run_id)
        drafts.append(replace(entry, status=state.status))
    await log.append(drafts, expected=0)


def _changed(status: Status) -> StatusChanged:
    return StatusChanged(status=status, reason="", attempt=1, machine_id=MACHINE_ID, at=NOW)
