"""What an attempt made is recorded and stored once, and a run succeeds when all of it is stored."""

from functools import partial

from events.aggregates import RUN
from events.run.commands import (
    RecordUpload,
    SettleRun,
)
from events.run.decide import MAX_OUTPUTS, MAX_TEXT, decide
from events.run.events import (
    AttemptFailed,
    RunError,
    StatusChanged,
)
from events.run.output import Output
from events.run.status import Status
from tests.builders.facts import (
    NOW,
    claimed,
    created,
    image_output,
    produced,
    uploaded,
)
from tests.builders.run_commands import CANCEL, LOST, cancelled, changed, record
from tests.observe import specification

given = partial(specification.given, RUN)


def test_the_outputs_of_the_attempt_are_recorded_once() -> None:
    outputs = produced(image_output())
    given(created(), claimed()).when(record(image_output())).then(outputs)
    given(created(), claimed(), outputs).when(record(image_output())).then_nothing()


def test_a_render_with_more_outputs_than_a_run_has_room_for_fails_by_name() -> None:
    def outputs(count: int) -> tuple[Output, ...]:
        return tuple(image_output(n, f"{n}.png") for n in range(count))

    error = RunError(
        code="too_many_outputs",
        message="the workflow made 401 outputs; a run may have 400, "
        "with 200000 characters of text in all",
    )
    most = outputs(MAX_OUTPUTS)
    given(created(), claimed()).when(record(*most)).then(produced(*most))
    given(created(), claimed()).when(record(*outputs(MAX_OUTPUTS + 1))).then(
        AttemptFailed(attempt=1, error=error, at=NOW),
        changed(Status.FAILED, "too_many_outputs", error=error, began=True),
    )


def test_a_render_with_more_text_than_one_event_can_hold_fails_by_name() -> None:
    text = Output(index=0, node_id="1", kind="text", text="x" * (MAX_TEXT + 1))
    events = decide(RUN.fold((created(), claimed())), record(text))
    assert [type(event) for event in events] == [AttemptFailed, StatusChanged]


def test_outputs_of_an_old_attempt_are_met_with_silence() -> None:
    given(created(), claimed(), LOST).when(record(image_output())).then_nothing()
    second = (created(), claimed(), LOST, claimed(attempt=2, fence=2))
    given(*second).when(record(image_output())).then_nothing()
    given(*second, CANCEL).when(record(image_output())).then_nothing()


def test_a_render_that_ends_after_a_cancellation_is_cancelled() -> None:
    given(created(), claimed(), CANCEL).when(record(image_output())).then(cancelled(began=True))


def test_an_upload_is_recorded_once() -> None:
    rendered = (created(), claimed(), produced(image_output()))
    command = RecordUpload(upload=uploaded())
    given(*rendered).when(command).then(uploaded())
    given(*rendered, uploaded()).when(command).then_nothing()


def test_an_upload_of_an_old_attempt_is_met_with_silence() -> None:
    second = (created(), claimed(), LOST, claimed(attempt=2, fence=2))
    given(*second).when(RecordUpload(upload=uploaded())).then_nothing()


def test_a_run_succeeds_when_everything_is_stored_and_not_before() -> None:
    two = produced(image_output(), image_output(1, "b.png"))
    settle = SettleRun(now=NOW)
    one_stored = (created(), claimed(), two, uploaded())
    given(created(), claimed()).when(settle).then_nothing()
    given(*one_stored).when(settle).then_nothing()
    both = (*one_stored, uploaded(1, name="b.png"))
    given(*both).when(settle).then(changed(Status.SUCCESS, "complete", began=True))


def test_a_render_without_files_succeeds_at_once() -> None:
    text = Output(index=0, node_id="1", kind="text", text="hello")
    for outputs in ((), (text,)):
        events = (created(), claimed(), produced(*outputs))
        given(*events).when(SettleRun(now=NOW)).then(
            changed(Status.SUCCESS, "complete", began=True)
        )
