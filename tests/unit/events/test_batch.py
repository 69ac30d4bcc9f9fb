"""The rules of a batch: one promise, runs that follow from it, and one wish to stop."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from events import codec
from events.aggregates import BATCH, RUN
from events.batch import (
    Batch,
    BatchCancelRequested,
    BatchCreated,
    BatchEvent,
    BatchItem,
    BatchStarted,
    CancelBatch,
    CreateBatch,
    RecordStart,
    run_command,
)
from events.errors import AlreadyExists, NotFound
from events.ids import batch_run_id, keyed_batch_id, keyed_run_id
from events.run.events import ImageUploaded, RunTarget
from tests.builders.facts import MACHINE_ID, NOW, OTHER_ID, RUN_ID, later

BATCH_ID = UUID("00000000-0000-4000-8000-00000000000b")


def target(**changes: Any) -> RunTarget:
    facts: dict[str, Any] = {
        "workflow_id": OTHER_ID,
        "version_id": OTHER_ID,
        "version": 1,
        "deployment_id": OTHER_ID,
        "environment": "production",
        "machine_id": MACHINE_ID,
        "graph_key": "workflows/graph.json",
        "ui_graph_key": None,
        "workflow_name": "cats",
    }
    return RunTarget(**(facts | changes))


def item(index: int, **changes: Any) -> BatchItem:
    facts: dict[str, Any] = {
        "run_id": batch_run_id(BATCH_ID, index),
        "request_hash": f"hash {index}",
        "has_inputs": False,
    }
    return BatchItem(**(facts | changes))


def created(*items: BatchItem, **changes: Any) -> BatchCreated:
    facts: dict[str, Any] = {
        "batch_id": BATCH_ID,
        "user_id": "ada",
        "org_id": None,
        "targets": (target(),),
        "items": items or (item(0), item(1)),
        "request_hash": "hash",
        "origin": "api",
        "at": NOW,
    }
    return BatchCreated(**(facts | changes))


def folded(*events: BatchEvent) -> Batch:
    batch = BATCH.fold(events)
    assert batch is not None
    return batch


def test_a_batch_begins_with_everything_that_its_runs_need() -> None:
    assert BATCH.decide(None, CreateBatch(created=created())) == [created()]


def test_the_same_request_again_adds_nothing() -> None:
    repeat = created(at=later(5))
    assert BATCH.decide(folded(created()), CreateBatch(created=repeat)) == []


def test_another_request_under_the_same_key_is_refused() -> None:
    with pytest.raises(AlreadyExists):
        BATCH.decide(folded(created()), CreateBatch(created=created(request_hash="other")))


def test_the_start_is_recorded_once() -> None:
    command = RecordStart(now=later(1))
    assert BATCH.decide(folded(created()), command) == [BatchStarted(at=later(1))]
    assert BATCH.decide(folded(created(), BatchStarted(at=NOW)), command) == []


def test_the_wish_to_stop_it_is_recorded_once_and_keeps_its_author() -> None:
    asked = BatchCancelRequested(by="user:ada", at=later(1))
    command = CancelBatch(by="user:ada", now=later(1))
    assert BATCH.decide(folded(created()), command) == [asked]
    batch = folded(created(), asked, BatchCancelRequested(by="user:bob", at=later(2)))
    assert BATCH.decide(batch, CancelBatch(by="user:eve", now=later(3))) == []
    assert batch.cancelled_by == "user:ada"


@pytest.mark.parametrize("command", [RecordStart(now=NOW), CancelBatch(by="ada", now=NOW)])
def test_nothing_can_be_said_about_a_batch_that_is_not_there(
    command: RecordStart | CancelBatch,
) -> None:
    with pytest.raises(NotFound):
        BATCH.decide(None, command)


def test_a_batch_does_not_begin_with_anything_else() -> None:
    with pytest.raises(ValueError, match="BatchStarted"):
        BATCH.fold([BatchStarted(at=NOW)])


def test_its_state_names_its_runs_and_each_deployment_once() -> None:
    other = UUID(int=9)
    targets = (target(), target(version=2), target(deployment_id=other))
    batch = folded(created(targets=targets), BatchStarted(at=NOW))

    assert batch.started
    assert batch.run_ids == [batch_run_id(BATCH_ID, 0), batch_run_id(BATCH_ID, 1)]
    assert batch.deployments == (OTHER_ID, other)


def test_a_run_of_a_batch_is_made_from_its_item_and_its_target() -> None:
    picture = ImageUploaded(
        role="input",
        name="picture",
        key="inputs/a.png",
        media_type="image/png",
        bytes=10,
        sha256="0" * 64,
        width=4,
        height=4,
        upload_duration=0.0,
        attempt=0,
        index=-1,
        at=NOW,
    )
    second = item(1, target=1, images=(picture,), has_inputs=True, rerun_of=RUN_ID)
    batch = created(item(0), second, targets=(target(), target(version=7)))

    events = RUN.decide(None, run_command(batch, 1))
    run = RUN.fold(events)

    assert run is not None
    assert (run.id, run.batch_id, run.batch_index) == (second.run_id, BATCH_ID, 1)
    assert (run.version, run.rerun_of, run.request_hash) == (7, RUN_ID, "hash 1")
    assert run.workflow_name == "cats"
    assert (run.created_at, run.has_inputs) == (NOW, True)
    assert run.inputs["picture"].key == "inputs/a.png"


def test_a_key_means_one_batch_for_each_tenant_and_no_run() -> None:
    assert keyed_batch_id("user:ada", "k") == keyed_batch_id("user:ada", "k")
    ids = {keyed_batch_id("user:ada", "k"), keyed_batch_id("user:bob", "k")}
    assert len(ids | {keyed_run_id("user:ada", "k")}) == 3


def test_the_lineage_of_a_run_is_stored_and_one_without_any_is_stored_as_before() -> None:
    batch = created(item(0, rerun_of=RUN_ID))
    born = run_command(batch, 0).created
    alone = replace(born, batch_id=None, batch_index=None, rerun_of=None)

    for event in (born, alone):
        assert codec.decode_body("run.created.v1", msgspec.json.encode(event)) == event
    assert {"batch_id", "batch_index", "rerun_of"}.isdisjoint(msgspec.to_builtins(alone))
