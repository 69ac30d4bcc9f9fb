"""Attempts are lost, fail, take too long or are cancelled, and the run ends one way."""

from datetime import timedelta
from functools import partial

import pytest

from events.aggregates import RUN
from events.run.commands import (
    ConfirmCancel,
    RequestCancel,
    RunCommand,
)
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    RetryScheduled,
    RunError,
    RunEvent,
)
from events.run.status import Status
from tests.builders.facts import (
    NOW,
    claimed,
    created,
    image_output,
    later,
    produced,
    uploaded,
)
from tests.builders.run_commands import (
    CANCEL,
    ERROR,
    LOST,
    cancelled,
    changed,
    fail,
    lose,
    time_out,
)
from tests.observe import specification

given = partial(specification.given, RUN)


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
