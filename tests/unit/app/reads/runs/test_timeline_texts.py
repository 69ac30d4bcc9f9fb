"""Every fact, status and reason of a timeline has a text in both languages."""

from typing import Any, get_args

import pytest
from msgspec.structs import replace

from app.reads.runs.timeline_texts import event_text, waiting_text
from events.codec import TYPES, type_name_of
from events.run.events import (
    AttemptFailed,
    RunError,
    RunEvent,
)
from events.run.status import Status
from events.run.waiting import Waiting, WaitingReason
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
    claimed,
)
from tests.builders.run_commands import changed
from tests.golden.examples import EXAMPLES


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", sorted(n for n in TYPES if n.startswith("run.")))
def test_every_fact_can_be_told(name: str, language: str) -> None:
    event: Any = EXAMPLES[name]
    what, why = event_text(event, language)
    assert what
    assert "{" not in what + why
    assert type_name_of(type(event)) == name
    assert type(event) in get_args(RunEvent)


def test_an_output_without_a_name_is_an_output() -> None:
    upload: Any = EXAMPLES["run.image_uploaded.v1"]
    assert event_text(replace(upload, name=""), "en").what == "an output was stored"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.NOT_STARTED}))
def test_every_status_has_its_words(status: Status) -> None:
    assert event_text(changed(status, "machine"), "en").what


@pytest.mark.parametrize("reason", WaitingReason)
def test_every_reason_for_waiting_has_its_words(reason: WaitingReason) -> None:
    wait = Waiting(reason=reason, detail="refused", machine_id=MACHINE_ID, since=NOW)
    assert waiting_text(wait, "en") != waiting_text(wait, "zh")


def test_a_machine_that_says_nothing_leaves_no_colon_behind() -> None:
    wait = Waiting(reason="machine_unreachable", detail="", machine_id=MACHINE_ID, since=NOW)
    assert waiting_text(wait, "en") == f"machine {MACHINE_ID} does not answer"


def test_a_reason_of_a_newer_version_is_told_as_it_is() -> None:
    wait = Waiting(reason="moon_phase", detail="", machine_id=None, since=NOW)
    assert waiting_text(wait, "en") == "moon_phase"


def test_why_a_run_went_where_it_went() -> None:
    assert event_text(claimed(reason="takeover"), "en") == (
        f"attempt 1 went to machine {MACHINE_ID}",
        "the worker that had it stopped, or the machine did not answer",
    )
    assert event_text(claimed(reason="retry"), "zh").why == "上一次尝试已丢失"


@pytest.mark.parametrize(
    ("node_id", "what"), [("", "attempt 1 failed"), ("7", "node 7 (KSampler) failed")]
)
def test_an_attempt_that_no_node_failed_names_none(node_id: str, what: str) -> None:
    error = RunError(
        code="interrupted",
        message="someone stopped it",
        node_id=node_id,
        node_class="KSampler" if node_id else "",
    )
    failed = AttemptFailed(attempt=1, error=error, at=NOW)
    assert event_text(failed, "en") == (what, "interrupted: someone stopped it")


def test_an_error_is_told_with_its_code() -> None:
    error = RunError(code="node_failed", message="out of paint")
    assert event_text(changed(Status.FAILED, "machine", error=error), "en") == (
        "failed",
        "node_failed: out of paint",
    )
    erased = replace(error, message="")
    assert event_text(changed(Status.FAILED, "machine", error=erased), "en").why == "node_failed"
