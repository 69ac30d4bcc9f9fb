"""Realistic histories of runs, written straight into the log with the product's own encoder."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from events import codec
from events.aggregates import RUN
from events.envelope import AnyRecorded, Meta, Recorded
from events.run.events import RunCreated, RunEvent, StatusChanged
from events.run.status import Status
from events.subjects import subject
from infra.jetstream.calls import checked
from infra.jetstream.connection import Client
from tests.bench.stack import USER
from tests.builders import facts

TOGETHER = 20
"""Runs that happen at the same time, so that their events lie between each other."""

BATCH = 400
"""Messages in one atomic batch: they share a disk sync."""

META = Meta(
    tenant=f"user:{USER}", actor="worker:bench:1", command_id=uuid4(), correlation_id=str(uuid4())
)


def run_events(run_id: UUID) -> list[AnyRecorded]:
    """Return all that happens to a run with one image: seven events."""
    history: list[RunEvent] = [
        _created(run_id),
        facts.claimed(run_id=run_id),
        changed(Status.STARTED),
        changed(Status.RUNNING),
        facts.produced(facts.image_output()),
        facts.uploaded(),
        changed(Status.SUCCESS),
    ]
    recorded = []
    state = None
    for version, fact in enumerate(history, start=1):
        state = RUN.evolve(state, fact)
        recorded.append(entry(run_id, fact, version=version, status=state.status))
    return recorded


def birth(run_id: UUID) -> AnyRecorded:
    """Return the first event of a run."""
    return entry(run_id, _created(run_id), version=1, status=Status.NOT_STARTED)


def _created(run_id: UUID) -> RunCreated:
    return facts.created(run_id=run_id, user_id=USER, request_hash="0" * 64)


def changed(status: Status) -> StatusChanged:
    """Return a change of status."""
    return StatusChanged(
        status=status,
        reason="the machine says so",
        attempt=1,
        machine_id=facts.MACHINE_ID,
        at=facts.NOW,
    )


def entry(run_id: UUID, fact: RunEvent, *, version: int, status: str) -> AnyRecorded:
    """Wrap a fact for the log."""
    return Recorded(
        aggregate=RUN.name(run_id),
        position=0,
        version=version,
        id=uuid4(),
        type=codec.type_name_of(type(fact)),
        status=status,
        event=fact,
        meta=META,
        recorded_at=datetime.now(UTC),
    )


def histories(run_ids: Sequence[UUID]) -> Iterator[AnyRecorded]:
    """Yield the events of these runs, TOGETHER at a time, step by step."""
    for start in range(0, len(run_ids), TOGETHER):
        together = [run_events(run_id) for run_id in run_ids[start : start + TOGETHER]]
        for step in zip(*together, strict=True):
            yield from step


async def write(client: Client, events: Sequence[AnyRecorded]) -> None:
    """Append *events*, many at a time."""
    for start in range(0, len(events), BATCH):
        await _write_batch(client, events[start : start + BATCH])


async def _write_batch(client: Client, events: Sequence[AnyRecorded]) -> None:
    batch = uuid4().hex
    for number, event in enumerate(events, start=1):
        headers, body = codec.encode(event)
        headers |= {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
        name = subject(event.aggregate)
        if number == len(events):
            headers["Nats-Batch-Commit"] = "1"
            checked((await client.request(name, body, headers=headers, timeout=10)).data)
        else:
            await client.publish(name, body, headers=headers)
