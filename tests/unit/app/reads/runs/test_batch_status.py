"""Where a batch stands: every run is counted once, from rows as from events."""

from typing import Any
from uuid import UUID

from msgspec.structs import replace

from app.reads.runs.batch_status import Tally, status_of
from events.aggregates import BATCH, RUN
from events.batch import Batch, BatchCancelRequested
from events.envelope import AnyRecorded
from events.ids import batch_run_id
from events.run.events import RunDataErased, StatusChanged
from events.run.status import Status
from projections.queries import BatchCount
from tests.builders.facts import NOW, RUN_ID, draft, later

BATCH_ID = UUID("00000000-0000-4000-8000-00000000000b")
EMPTY = {str(status): 0 for status in Status}


def batch(total: int) -> Batch:
    return Batch(
        id=BATCH_ID,
        user_id="ada",
        org_id=None,
        deployments=(RUN_ID,),
        total=total,
        request_hash="hash",
        rerun=None,
        created_at=NOW,
    )


def ended(index: int, seconds: float, status: Status = Status.SUCCESS) -> AnyRecorded:
    event = StatusChanged(status=status, reason="", attempt=1, machine_id=None, at=later(seconds))
    return told(index, event, status)


def told(index: int, event: Any, status: str) -> AnyRecorded:
    run_id = batch_run_id(BATCH_ID, index)
    return replace(draft(event, version=1, run_id=run_id), status=status)


def test_runs_that_nobody_has_heard_of_have_not_started() -> None:
    rows = [BatchCount(status="running", count=2, ended_at=None)]

    by_rows, by_events = status_of(batch(5), rows, 7), Tally(batch(5)).status(7)

    assert by_rows.counts == EMPTY | {"running": 2, "not-started": 3}
    assert by_events.counts == EMPTY | {"not-started": 5}
    assert (by_rows.done, by_rows.ended_at, by_rows.position) == (False, None, 7)


def test_a_batch_is_done_when_its_last_run_has_ended() -> None:
    rows = [
        BatchCount(status="success", count=1, ended_at=later(3)),
        BatchCount(status="failed", count=1, ended_at=later(9)),
    ]
    by_rows = status_of(batch(2), rows, 7)
    tally = Tally(batch(2))
    tally.note(ended(0, 9, Status.FAILED))
    open_still = tally.status(5)
    tally.note(ended(1, 3))

    assert (open_still.done, open_still.ended_at) == (False, None)
    assert tally.status(7) == by_rows
    assert (by_rows.done, by_rows.ended_at) == (True, later(9))


def test_erasing_a_run_changes_no_count_and_hides_its_words() -> None:
    tally = Tally(batch(1))
    tally.note(ended(0, 3))
    before = tally.status(1)
    erased = told(0, RunDataErased(reason="request", by="ada", at=later(99)), "success")

    tally.note(erased)

    assert tally.status(1) == before
    assert tally.erased == {RUN.name(batch_run_id(BATCH_ID, 0)): erased.event}


def test_what_happens_to_the_batch_itself_is_taken_in() -> None:
    tally = Tally(batch(1))
    asked: Any = BatchCancelRequested(by="user:ada", at=NOW)

    tally.note(replace(told(0, ended(0, 1).event, ""), aggregate=BATCH.name(BATCH_ID), event=asked))

    assert tally.batch.cancelled_by == "user:ada"
    assert tally.status(1).counts == EMPTY | {"not-started": 1}
