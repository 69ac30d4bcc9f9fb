"""Erasing takes what is private from a run and leaves its numbers."""

from functools import partial

import msgspec
import pytest

from events.aggregates import RUN
from events.errors import NotFound, RunNotEnded
from events.run.commands import (
    EraseInputs,
    EraseRun,
    RecordDataDeleted,
    RecordInputsDeleted,
)
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    FileUploaded,
    ImageUploaded,
    RunDataDeleted,
    RunDataErased,
    RunError,
    RunEvent,
    RunInputsDeleted,
    RunInputsErased,
    RunWaiting,
    StatusChanged,
)
from events.run.output import Output
from events.run.redaction import redact, redact_event
from events.run.status import Status
from tests.builders.facts import NOW, claimed, created, draft, later, produced, uploaded
from tests.observe import specification

given = partial(specification.given, RUN)

SECRET = "moonlit-otter"
ERASE = EraseRun(reason="request", by="user:ada", now=later(9))
ERASED = RunDataErased(reason="request", by="user:ada", at=later(9))
INPUT = ImageUploaded(
    role="input",
    name="image",
    key=f"inputs/{SECRET}.png",
    media_type="image/png",
    bytes=70,
    sha256=f"{SECRET}",
    width=8,
    height=9,
    upload_duration=0.1,
    attempt=0,
    index=-1,
    at=NOW,
)
FILE = Output(
    index=0,
    node_id="9",
    kind="images",
    filename=f"{SECRET}.png",
    subfolder=SECRET,
    name=f"{SECRET}.png",
)
OLD_TEXT = Output(index=1, node_id="10", kind="text", text=SECRET)
TEXT = Output(index=2, node_id="10", kind="text", length=7)
ERROR = RunError(code="node_failed", message=f"cannot draw {SECRET}", node_id="9", exception="E")


def ended(status: Status = Status.SUCCESS, error: RunError | None = None) -> StatusChanged:
    return StatusChanged(
        status=status, reason="complete", attempt=1, machine_id=None, at=later(5), error=error
    )


def rendered() -> list[RunEvent]:
    return [
        created(),
        INPUT,
        claimed(),
        RunWaiting(reason="machine_unreachable", detail=SECRET, machine_id=None, at=NOW),
        AttemptLost(attempt=1, reason=f"{SECRET}.png is gone", at=NOW),
        claimed(attempt=2),
        produced(FILE, OLD_TEXT, TEXT, attempt=2),
        uploaded(attempt=2, name=f"{SECRET}.png"),
        FileUploaded(
            name=f"{SECRET}.mp4",
            key=f"outputs/{SECRET}.mp4",
            media_type="video/mp4",
            bytes=80,
            sha256=SECRET,
            upload_duration=0.5,
            attempt=2,
            index=3,
            at=NOW,
        ),
    ]


def test_only_an_ended_run_is_erased_and_only_once() -> None:
    given(created(), claimed()).when(ERASE).then_refused(RunNotEnded)
    given().when(ERASE).then_refused(NotFound)
    given(created(), ended()).when(ERASE).then(ERASED)
    given(created(), ended(), ERASED).when(ERASE).then_nothing()


def test_that_the_data_is_deleted_is_recorded_once_and_only_of_an_erased_run() -> None:
    done = RecordDataDeleted(now=later(10))
    deleted = RunDataDeleted(at=later(10))
    given(created(), ended()).when(done).then_nothing()
    given(created(), ended(), ERASED).when(done).then(deleted)
    given(created(), ended(), ERASED, deleted).when(done).then_nothing()


def test_an_erased_run_keeps_its_numbers_and_nothing_that_is_private() -> None:
    before = RUN.fold([*rendered(), ended()])
    after = RUN.fold([*rendered(), ended(), ERASED])
    assert before is not None
    assert after is not None
    assert SECRET in msgspec.json.encode(before).decode()
    assert SECRET not in msgspec.json.encode(after).decode()

    assert (after.status, after.ended_at) == (Status.SUCCESS, later(5))
    assert (after.erased_at, after.deleted_at) == (later(9), None)
    assert [o.kind for o in after.outputs] == ["images", "text", "text"]
    assert [o.is_file for o in after.outputs] == [True, False, False]
    assert [o.characters for o in after.outputs] == [0, len(SECRET), 7]
    assert [(u.bytes, u.media_type, u.width) for u in after.uploads.values()] == [
        (10, "image/png", 64),
        (80, "video/mp4", None),
    ]
    assert after.inputs["image"].bytes == 70


def test_the_message_of_an_error_goes_and_its_code_stays() -> None:
    failed = AttemptFailed(attempt=1, error=ERROR, at=NOW)
    run = RUN.fold([created(), claimed(), failed, ended(Status.FAILED, ERROR), ERASED])
    assert run is not None
    assert run.error == RunError(code="node_failed", message="", node_id="9", exception="E")


@pytest.mark.parametrize(
    "event",
    [*rendered(), AttemptFailed(attempt=1, error=ERROR, at=NOW), ended(Status.FAILED, ERROR)],
    ids=lambda event: type(event).__name__,
)
def test_every_fact_can_be_shown_without_private_words(event: RunEvent) -> None:
    assert SECRET not in msgspec.json.encode(redact_event(event)).decode()


def test_facts_after_the_end_change_nothing_but_erasure() -> None:
    late: list[RunEvent] = [claimed(attempt=3), uploaded(attempt=1), ended(Status.FAILED, ERROR)]
    assert RUN.fold([created(), ended(), ERASED, *late]) == RUN.fold([created(), ended(), ERASED])


def test_the_length_of_a_text_is_stored_and_that_of_a_file_is_not() -> None:
    encoded = msgspec.json.encode([TEXT, FILE])
    assert b'"length":7' in encoded
    assert encoded.count(b"length") == 1
    assert msgspec.json.decode(encoded, type=list[Output]) == [TEXT, FILE]


INPUTS = created(has_inputs=True)
ERASE_INPUTS = EraseInputs(due=later(70), by="user:ada", now=later(9))
INPUTS_ERASED = RunInputsErased(due=later(70), by="user:ada", at=later(9))
INPUTS_DELETED = RunInputsDeleted(at=later(71))


def test_only_the_inputs_of_an_ended_run_are_erased_alone_and_only_once() -> None:
    given(INPUTS, claimed()).when(ERASE_INPUTS).then_refused(RunNotEnded)
    given(INPUTS, ended()).when(ERASE_INPUTS).then(INPUTS_ERASED)
    given(created(), INPUT, ended()).when(ERASE_INPUTS).then(INPUTS_ERASED)
    given(INPUTS, ended(), INPUTS_ERASED).when(ERASE_INPUTS).then_nothing()
    given(INPUTS, ended(), ERASED).when(ERASE_INPUTS).then_nothing()
    given(created(), ended()).when(ERASE_INPUTS).then_nothing()


def test_that_the_inputs_are_deleted_is_recorded_once_and_not_of_a_run_erased_as_a_whole() -> None:
    done = RecordInputsDeleted(now=later(71))
    given(INPUTS, ended()).when(done).then_nothing()
    given(INPUTS, ended(), INPUTS_ERASED).when(done).then(INPUTS_DELETED)
    given(INPUTS, ended(), INPUTS_ERASED, INPUTS_DELETED).when(done).then_nothing()
    given(INPUTS, ended(), INPUTS_ERASED, ERASED).when(done).then_nothing()
    given(INPUTS, ended(), INPUTS_ERASED, INPUTS_DELETED).when(ERASE).then(ERASED)


def test_a_run_without_its_inputs_keeps_what_it_made() -> None:
    before = RUN.fold([*rendered(), ended()])
    after = RUN.fold([*rendered(), ended(), INPUTS_ERASED])
    assert before is not None
    assert after is not None
    assert (after.outputs, after.uploads) == (before.outputs, before.uploads)
    assert [(u.key, u.sha256, u.bytes) for u in after.inputs.values()] == [("", "", 70)]
    assert (after.inputs_gone, after.erased_at) == (True, None)


@pytest.mark.parametrize(
    ("last", "shown"),
    [
        (ended(), {"input", "output"}),
        (INPUTS_ERASED, {"output"}),
        (INPUTS_DELETED, {"output"}),
        (ERASED, set()),
    ],
)
def test_the_last_erasure_says_what_is_shown_of_earlier_events(
    last: RunEvent, shown: set[str]
) -> None:
    facts: list[RunEvent] = [INPUT, uploaded(name="made.png"), last]
    recorded = [draft(fact, version=n) for n, fact in enumerate(facts, start=1)]
    events = [entry.event for entry in redact(recorded)]
    assert {e.role for e in events if isinstance(e, ImageUploaded) and e.key} == shown
