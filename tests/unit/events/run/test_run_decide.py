"""Runs are created, claimed and reported about; what does not fit is refused or passed over."""

from functools import partial

import pytest

from events.aggregates import RUN
from events.errors import AlreadyExists, IllegalTransition, NotFound, Superseded
from events.ids import prompt_id
from events.run.commands import (
    ConfirmCancel,
    CreateRun,
    RecordInputImage,
    RecordUpload,
    RequestCancel,
    RunCommand,
    SettleRun,
)
from events.run.status import Status
from tests.builders.facts import (
    NOW,
    RUN_ID,
    claimed,
    created,
    image_output,
    later,
    produced,
    uploaded,
)
from tests.builders.run_commands import (
    CANCEL,
    CLAIM,
    LOST,
    cancelled,
    changed,
    fail,
    input_image,
    lose,
    record,
    report,
    time_out,
)
from tests.observe import specification

given = partial(specification.given, RUN)


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
