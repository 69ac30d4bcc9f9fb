"""What follows from each command about a run, and what is refused or met with silence."""

from datetime import datetime, timedelta
from functools import partial

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from events.aggregates import RUN
from events.errors import AlreadyExists, IllegalTransition, NotFound, Superseded
from events.ids import prompt_id
from events.run.commands import (
    ClaimRun,
    ConfirmCancel,
    CreateRun,
    FailRun,
    LoseAttempt,
    RecordInputImage,
    RecordOutputs,
    RecordUpload,
    ReportStatus,
    RequestCancel,
    RunCommand,
    SettleRun,
    TimeOutRun,
)
from events.run.decide import MAX_OUTPUTS, MAX_TEXT, decide
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    CancelRequested,
    Ending,
    ImageUploaded,
    RetryScheduled,
    RunClaimed,
    RunError,
    RunEvent,
    StatusChanged,
)
from events.run.output import Output
from events.run.state import Run, Upload
from events.run.status import TERMINAL, Status
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
    OTHER_ID,
    RUN_ID,
    claimed,
    created,
    image_output,
    later,
    produced,
    uploaded,
)
from tests.observe import specification

given = partial(specification.given, RUN)
ERROR = RunError(code="node_failed", message="it broke")
LOST = AttemptLost(attempt=1, reason="gone", at=NOW)
CANCEL = CancelRequested(by="ada", at=NOW)
CLAIM = ClaimRun(machine_id=MACHINE_ID, worker="test", now=NOW)


def changed(
    status: Status,
    reason: str,
    *,
    attempt: int = 1,
    error: RunError | None = None,
    at: datetime = NOW,
    began: bool = False,
) -> StatusChanged:
    ending = Ending(
        wait_seconds=0,
        render_seconds=0,
        gpu_seconds=0,
        total_seconds=0,
        environment="production",
        began_at=NOW if began else None,
    )
    return StatusChanged(
        status=status,
        reason=reason,
        attempt=attempt,
        machine_id=MACHINE_ID if attempt else None,
        at=at,
        error=error,
        ending=ending if status in TERMINAL else UNSET,
    )


def cancelled(attempt: int = 1, *, began: bool = False) -> StatusChanged:
    return changed(Status.CANCELLED, "cancelled", attempt=attempt, began=began)


def input_image(name: str = "image") -> ImageUploaded:
    return ImageUploaded(
        role="input",
        name=name,
        key=f"inputs/{name}.png",
        media_type="image/png",
        bytes=1,
        sha256="0" * 64,
        width=1,
        height=1,
        upload_duration=0.1,
        attempt=0,
        index=-1,
        at=NOW,
    )


def lose(attempt: int = 1) -> LoseAttempt:
    return LoseAttempt(attempt=attempt, reason="gone", now=NOW)


def fail(attempt: int | None = 1) -> FailRun:
    return FailRun(error=ERROR, now=NOW, attempt=attempt)


def time_out(attempt: int = 1) -> TimeOutRun:
    return TimeOutRun(attempt=attempt, error=ERROR, now=NOW)


def report(status: Status, fence: int = 1) -> ReportStatus:
    return ReportStatus(fence=fence, status=status, now=NOW)


def record(*outputs: Output, attempt: int = 1) -> RecordOutputs:
    return RecordOutputs(attempt=attempt, outputs=outputs, now=NOW)


# create


def test_a_run_is_created_together_with_its_images() -> None:
    command = CreateRun(created=created(), images=(input_image(),))
    given().when(command).then(created(), input_image())


def test_the_same_request_again_adds_nothing_whenever_it_comes() -> None:
    again = CreateRun(created=created(at=later(5)))
    given(created()).when(again).then_nothing()
    given(created(), cancelled(attempt=0)).when(again).then_nothing()


def test_another_request_under_the_same_key_is_refused() -> None:
    other = CreateRun(created=created(request_hash="other"))
    given(created()).when(other).then_refused(AlreadyExists, "Idempotency-Key")
    given(created(), cancelled(attempt=0)).when(other).then_refused(AlreadyExists)


@pytest.mark.parametrize(
    "command",
    [
        CLAIM,
        report(Status.RUNNING),
        RecordInputImage(image=input_image()),
        record(),
        RecordUpload(upload=uploaded()),
        SettleRun(now=NOW),
        lose(),
        fail(),
        time_out(),
        RequestCancel(by="ada", now=NOW),
        ConfirmCancel(now=NOW),
    ],
    ids=lambda command: type(command).__name__,
)
def test_of_a_run_that_does_not_exist_nothing_can_be_asked(command: RunCommand) -> None:
    given().when(command).then_refused(NotFound)


# claim


def test_the_first_claim_is_the_first_attempt() -> None:
    given(created()).when(CLAIM).then(claimed())


def test_a_claim_of_an_open_attempt_resumes_it_under_its_own_prompt_id() -> None:
    given(created(), claimed()).when(CLAIM).then(claimed(fence=2, reason="takeover"))


def test_a_claim_after_a_loss_is_the_next_attempt_with_a_prompt_id_of_its_own() -> None:
    expected = claimed(attempt=2, fence=2, reason="retry")
    assert expected.prompt_id == prompt_id(RUN_ID, 2) != prompt_id(RUN_ID, 1)
    given(created(), claimed(), LOST).when(CLAIM).then(expected)


def test_a_run_that_is_rendered_is_not_claimed_again() -> None:
    given(created(), claimed(), produced(image_output())).when(CLAIM).then_nothing()


def test_a_run_that_nobody_wants_any_more_is_cancelled_instead_of_claimed() -> None:
    given(created(), CANCEL).when(CLAIM).then(cancelled(attempt=0))


def test_a_claimed_run_is_resumed_so_that_it_can_be_cancelled_on_its_machine() -> None:
    given(created(), claimed(), CANCEL).when(CLAIM).then(claimed(fence=2, reason="takeover"))


# report


@pytest.mark.parametrize("status", [Status.STARTED, Status.RUNNING])
def test_what_the_machine_does_is_recorded_once(status: Status) -> None:
    recorded = changed(status, "machine")
    given(created(), claimed()).when(report(status)).then(recorded)
    given(created(), claimed(), recorded).when(report(status)).then_nothing()


def test_a_late_report_does_not_lead_back() -> None:
    running = changed(Status.RUNNING, "machine")
    given(created(), claimed(), running).when(report(Status.STARTED)).then_nothing()


def test_the_begin_of_a_later_attempt_is_recorded_though_the_status_stays() -> None:
    running = changed(Status.RUNNING, "machine")
    again = changed(Status.RUNNING, "machine", attempt=2)
    second = (LOST, claimed(attempt=2, fence=2))
    rendering = (created(), claimed(), running, *second)
    rendered = (created(), claimed(), running, produced(image_output()), *second)
    for past, status in ((rendering, Status.RUNNING), (rendered, Status.UPLOADING)):
        given(*past).when(report(Status.RUNNING, fence=2)).then(again)
        given(*past, again).when(report(Status.RUNNING, fence=2)).then_nothing()
        run = RUN.fold([*past, again])
        assert run is not None
        assert (run.status, run.running_at) == (status, NOW)


def test_a_report_under_an_old_fence_is_refused() -> None:
    taken_over = (created(), claimed(), claimed(fence=2))
    given(*taken_over).when(report(Status.RUNNING)).then_refused(Superseded)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.STARTED, Status.RUNNING}))
def test_a_machine_tells_of_nothing_but_its_own_work(status: Status) -> None:
    given(created(), claimed()).when(report(status)).then_refused(IllegalTransition, status)


def test_a_report_about_an_attempt_that_is_over_is_met_with_silence() -> None:
    for over in (LOST, produced(image_output())):
        given(created(), claimed(), over).when(report(Status.RUNNING)).then_nothing()


# input images


def test_an_input_image_is_recorded_once() -> None:
    command = RecordInputImage(image=input_image())
    given(created()).when(command).then(input_image())
    given(created(), input_image()).when(command).then_nothing()
    given(created(), input_image("other")).when(command).then(input_image())


# outputs and uploads


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


# lose


@pytest.mark.parametrize(("attempt", "pause"), [(1, 2), (2, 4)])
def test_a_lost_attempt_is_tried_again_after_a_growing_pause(attempt: int, pause: int) -> None:
    events: list[RunEvent] = [created(), claimed()]
    if attempt > 1:
        events += [LOST, claimed(attempt=attempt, fence=attempt)]
    given(*events).when(lose(attempt)).then(
        AttemptLost(attempt=attempt, reason="gone", at=NOW),
        RetryScheduled(attempt=attempt + 1, due=NOW + timedelta(seconds=pause), at=NOW),
    )


def test_the_third_loss_is_the_last() -> None:
    error = RunError(code="machine_lost_run", message="the machine lost the run 3 times: gone")
    given(created(), claimed(attempt=3, fence=3)).when(lose(3)).then(
        AttemptLost(attempt=3, reason="gone", at=NOW),
        changed(Status.FAILED, "machine_lost_run", attempt=3, error=error),
    )


def test_a_lost_attempt_that_nobody_wants_is_not_tried_again() -> None:
    given(created(), claimed(), CANCEL).when(lose()).then(LOST, cancelled())


def test_an_attempt_is_lost_once() -> None:
    given(created(), claimed(), LOST).when(lose()).then_nothing()
    second = (created(), claimed(), LOST, claimed(attempt=2, fence=2))
    given(*second).when(lose()).then_nothing()


def test_outputs_that_are_gone_lose_the_attempt_too() -> None:
    rendered = (created(), claimed(), produced(image_output()), uploaded())
    given(*rendered).when(lose()).then(LOST, RetryScheduled(attempt=2, due=later(2), at=NOW))
    run = RUN.fold([*rendered, LOST])
    assert run is not None
    assert (run.produced, run.outputs, run.uploads) == (False, (), {})


# fail and time out


def test_a_failed_attempt_ends_the_run() -> None:
    given(created(), claimed()).when(fail()).then(
        AttemptFailed(attempt=1, error=ERROR, at=NOW),
        changed(Status.FAILED, "node_failed", error=ERROR, began=True),
    )


def test_a_run_can_fail_before_it_has_a_machine() -> None:
    failed = changed(Status.FAILED, "node_failed", attempt=0, error=ERROR)
    given(created()).when(fail(None)).then(failed)


def test_a_cancelled_attempt_that_fails_is_cancelled() -> None:
    given(created(), claimed(), CANCEL).when(fail()).then(cancelled(began=True))


def test_an_attempt_that_takes_too_long_ends_the_run() -> None:
    timeout = changed(Status.TIMEOUT, "node_failed", error=ERROR)
    given(created(), claimed()).when(time_out()).then(timeout)


@pytest.mark.parametrize("command", [fail(), time_out()], ids=["fail", "time out"])
def test_what_is_said_of_an_attempt_that_is_over_is_met_with_silence(command: RunCommand) -> None:
    given(created(), claimed(), LOST).when(command).then_nothing()
    given(created(), claimed(), LOST, claimed(attempt=2, fence=2)).when(command).then_nothing()
    given(created(), claimed(), produced(image_output())).when(command).then_nothing()


# cancel


def test_a_run_that_is_on_no_machine_is_cancelled_at_once() -> None:
    ask = RequestCancel(by="ada", now=NOW)
    given(created()).when(ask).then(CANCEL, cancelled(attempt=0))
    given(created(), claimed(), LOST).when(ask).then(CANCEL, cancelled())
    rendered = (created(), claimed(), produced(image_output()))
    given(*rendered).when(ask).then(CANCEL, cancelled(began=True))


def test_a_run_on_a_machine_is_cancelled_when_the_machine_has_stopped_it() -> None:
    ask = RequestCancel(by="ada", now=NOW)
    given(created(), claimed()).when(ask).then(CANCEL)
    given(created(), claimed(), CANCEL).when(ask).then_nothing()
    given(created(), claimed(), CANCEL).when(ConfirmCancel(now=NOW)).then(cancelled())


def test_nobody_confirms_what_was_not_asked_for() -> None:
    given(created(), claimed()).when(ConfirmCancel(now=NOW)).then_nothing()


# the fold


def test_a_run_begins_with_its_creation() -> None:
    with pytest.raises(ValueError, match="begins with RunCreated"):
        RUN.fold([claimed()])


def test_a_second_creation_changes_nothing_but_the_time() -> None:
    run = RUN.fold([created()])
    again = RUN.fold([created(), created(origin="other", request_hash="x")])
    assert again == run


def test_the_fold_of_a_whole_life_is_this_state() -> None:
    end = changed(Status.SUCCESS, "complete", at=later(6))
    events: list[RunEvent] = [
        created(),
        RunClaimed(
            attempt=1,
            machine_id=OTHER_ID,
            prompt_id=prompt_id(RUN_ID, 1),
            fence=1,
            worker="w",
            at=later(1),
        ),
        changed(Status.STARTED, "machine", at=later(2)),
        changed(Status.RUNNING, "machine", at=later(3)),
        replace(produced(image_output()), at=later(5), render_seconds=1.5),
        uploaded(),
        end,
    ]

    run = RUN.fold(events)

    assert run is not None
    assert run.uploads.keys() == {0}
    expected = Run(
        **{
            name: getattr(created(), name)
            for name in Run.__struct_fields__
            if name in created().__struct_fields__ and name != "machine_id"
        },
        id=RUN_ID,
        machine_id=OTHER_ID,
        created_at=NOW,
        updated_at=later(6),
        status=Status.SUCCESS,
        started_at=later(3),
        ended_at=later(6),
        attempt=1,
        fence=1,
        prompt_id=prompt_id(RUN_ID, 1),
        accepted=True,
        produced=True,
        outputs=(image_output(),),
        uploads=run.uploads,
        attempt_at=later(1),
        render_seconds=1.5,
        gpu_seconds=1.5,
        ending=end.ending or None,
    )
    assert run == expected


def test_an_upload_of_a_stored_run_row_has_its_fields_side_by_side() -> None:
    row = {
        "key": "outputs/a.png",
        "media_type": "image/png",
        "bytes": 10,
        "sha256": "0" * 64,
        "upload_duration": 0.25,
        "at": "2026-01-01T00:00:00Z",
        "width": 3,
        "height": 2,
    }
    assert msgspec.to_builtins(msgspec.convert(row, Upload)) == row
