"""Which fact makes which work: the same fact twice makes it once, by its message id."""

from typing import Any, cast
from uuid import UUID

import pytest
from msgspec.structs import replace

from consumers.reactor import react
from events.aggregates import RUN
from events.run.events import RunEvent, StatusChanged
from events.run.status import Status
from events.work import Piece
from infra.jetstream.work.queue import WorkQueue
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
    RUN_ID,
    claimed,
    created,
    draft,
    image_output,
    produced,
    uploaded,
)
from tests.fakes.event_store import MemoryEventStore
from tests.golden.examples import EXAMPLES, recorded_example


class FakeQueue:
    """A queue that notes what is put into it."""

    def __init__(self) -> None:
        self.work: set[tuple[str, UUID, str]] = set()
        self.served: set[UUID] = set()

    async def put(self, subject: str, run_id: UUID, *, message_id: str) -> None:
        """Note work."""
        self.work.add((subject, run_id, message_id))

    async def put_piece(self, piece: Piece, *, message_id: str) -> None:
        """Note a piece of work."""
        self.work.add((piece.subject, piece.identifier, message_id))

    async def serve_machine(self, machine_id: UUID) -> None:
        """Note a machine."""
        self.served.add(machine_id)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
async def test_each_fact_makes_its_work_once_and_most_make_none(name: str) -> None:
    store, queue = MemoryEventStore(), FakeQueue()
    await store.append([draft(created(), version=1)], expected=0)
    recorded = replace(recorded_example(name), aggregate=RUN.name(RUN_ID))
    event: Any = recorded.event
    machine_id = getattr(event, "machine_id", None)
    pieces = {
        "run.created.v1": f"work.run.{machine_id}.{RUN_ID}.1",
        "run.retry_scheduled.v1": f"work.run.{MACHINE_ID}.{RUN_ID}.2",
        "run.outputs_produced.v1": f"work.upload.{RUN_ID}.1",
        "run.data_erased.v1": f"work.erase.{RUN_ID}.erased",
        "run.inputs_erased.v1": f"work.erase.{RUN_ID}.inputs",
        "batch.created.v1": f"work.batch.{RUN_ID}.created",
        "batch.cancel_requested.v1": f"work.batch.{RUN_ID}.cancelled",
    }
    expected = {
        kind: (subject, RUN_ID, f"{recorded.id}:{subject}") for kind, subject in pieces.items()
    }
    looks = ("registered", "moved", "token_sealed", "resumed", "removed")
    if name in {f"machine.{what}.v1" for what in looks}:
        expected[name] = ("work.observe", RUN_ID, f"{recorded.id}:observe")

    for _ in range(2):
        await react(recorded, store=store, queue=cast("WorkQueue", queue))

    assert queue.work == ({expected[name]} if name in expected else set())
    assert queue.served == ({event.machine_id} if name == "machine.registered.v1" else set())


@pytest.mark.parametrize(
    ("status", "media_type", "expected"),
    [
        (Status.SUCCESS, "image/png", {f"work.thumbnail.{RUN_ID}.ended"}),
        (Status.FAILED, "image/png", {f"work.thumbnail.{RUN_ID}.ended"}),
        (Status.SUCCESS, "video/mp4", {f"work.thumbnail.{RUN_ID}.ended"}),
        (Status.SUCCESS, "audio/flac", set()),
    ],
)
async def test_the_end_of_a_run_with_images_makes_thumbnails(
    status: Status, media_type: str, expected: set[str]
) -> None:
    store, queue = MemoryEventStore(), FakeQueue()
    ended = StatusChanged(status=status, reason="", attempt=1, machine_id=MACHINE_ID, at=NOW)
    upload = replace(uploaded(), media_type=media_type)
    facts: tuple[RunEvent, ...] = (
        created(),
        claimed(),
        produced(image_output()),
        upload,
        ended,
    )
    await store.append([draft(fact, version=n) for n, fact in enumerate(facts, 1)], expected=0)

    for _ in range(2):
        await react(store.log[-1], store=store, queue=cast("WorkQueue", queue))

    assert {subject for subject, *_ in queue.work} == expected
