"""The timeline answers why: from the facts alone, also from what has not happened yet."""

from collections.abc import Sequence

from msgspec.structs import replace

from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.ids import prompt_id
from events.run.events import (
    AttemptFailed,
    AttemptLost,
    NodeTime,
    OutputsProduced,
    RetryScheduled,
    RunClaimed,
    RunError,
    RunEvent,
    RunWaiting,
    StatusChanged,
)
from events.run.output import Output
from events.run.state import Run
from events.run.status import Status
from events.run.timeline import Phase, Placement, Retry, timeline
from events.run.waiting import Waiting
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
    RUN_ID,
    created,
    draft,
    image_output,
    later,
    uploaded,
)

NODES = (NodeTime(node_id="9", class_type="SaveImage", seconds=1.5),)


def recorded(*events: RunEvent) -> Sequence[AnyRecorded]:
    """Return the facts with the statuses that the store adds."""
    run: Run | None = None
    entries = []
    for version, event in enumerate(events, start=1):
        run = RUN.fold([event], run)
        assert run is not None
        entries.append(replace(draft(event, version=version), status=run.status))
    return entries


def claimed(
    *, at: float, attempt: int = 1, fence: int = 1, reason: str = "deployment"
) -> RunClaimed:
    return RunClaimed(
        attempt=attempt,
        machine_id=MACHINE_ID,
        prompt_id=prompt_id(RUN_ID, attempt),
        fence=fence,
        worker="w",
        at=later(at),
        reason=reason,
    )


def changed(status: Status, *, at: float, error: RunError | None = None) -> StatusChanged:
    return StatusChanged(
        status=status, reason="machine", attempt=1, machine_id=MACHINE_ID, at=later(at), error=error
    )


def produced(*outputs: Output, at: float, attempt: int = 1) -> OutputsProduced:
    return OutputsProduced(attempt=attempt, outputs=outputs, at=later(at), nodes=NODES)


LIFE = (
    created(),
    claimed(at=2),
    changed(Status.STARTED, at=3),
    changed(Status.RUNNING, at=5),
    produced(image_output(), at=15),
    uploaded(),
    changed(Status.SUCCESS, at=16),
)


def waiting(*events: RunEvent) -> tuple[str, float] | None:
    found = timeline(recorded(*events)).waiting
    return (found.reason, (found.since - NOW).total_seconds()) if found else None


def test_the_phases_are_how_long_a_run_had_each_status() -> None:
    assert timeline(recorded(*LIFE)).phases == [
        Phase(name=name, started_at=later(start), ended_at=later(end), seconds=end - start)
        for name, start, end in (
            ("not-started", 0, 2),
            ("queued", 2, 3),
            ("started", 3, 5),
            ("running", 5, 15),
            ("uploading", 15, 16),
        )
    ]


def test_the_phase_that_lasts_has_no_end() -> None:
    assert timeline(recorded(*LIFE[:4])).phases[-1] == Phase(
        name="running", started_at=later(5), ended_at=None, seconds=None
    )


def test_a_run_that_nobody_claimed_waits_for_its_turn_on_its_machine() -> None:
    assert waiting(created()) == ("machine_queue", 0)
    assert waiting(created(), claimed(at=1)) is None


def test_a_run_in_the_queue_of_comfyui_waits_there() -> None:
    assert waiting(*LIFE[:3]) == ("comfyui_queue", 3)
    assert waiting(*LIFE[:4]) is None


def test_between_two_attempts_a_run_waits_for_the_next() -> None:
    lost = AttemptLost(attempt=1, reason="gone", at=later(4))
    again = RetryScheduled(attempt=2, due=later(6), at=later(4))
    found = timeline(recorded(*LIFE[:2], lost, again))
    assert found.waiting == Waiting(
        reason="retry_due", detail=later(6).isoformat(), machine_id=MACHINE_ID, since=later(4)
    )


def test_a_run_that_looks_as_if_it_were_running_says_that_its_machine_is_gone() -> None:
    away = RunWaiting(
        reason="machine_unreachable", detail="refused", machine_id=MACHINE_ID, at=later(9)
    )
    found = timeline(recorded(*LIFE[:4], away))
    assert found.status == "running"
    assert found.waiting is not None
    assert (found.waiting.reason, found.waiting.detail) == ("machine_unreachable", "refused")
    assert waiting(*LIFE[:4], away, replace(away, reason="", at=later(10))) is None


def test_an_ended_run_and_one_that_is_being_stored_wait_for_nothing() -> None:
    assert waiting(*LIFE) is None
    assert waiting(*LIFE[:5]) is None


def test_every_claim_is_a_placement_with_its_reason_and_every_loss_a_retry() -> None:
    lost = AttemptLost(attempt=1, reason="gone", at=later(4))
    again = RetryScheduled(attempt=2, due=later(6), at=later(4))
    third = AttemptLost(attempt=2, reason="gone for good", at=later(9))
    found = timeline(
        recorded(
            created(),
            claimed(at=1),
            claimed(at=2, fence=2, reason="takeover"),
            lost,
            again,
            claimed(at=6, attempt=2, fence=3, reason="retry"),
            third,
        )
    )
    assert found.placements == [
        Placement(attempt=attempt, machine_id=MACHINE_ID, reason=reason, at=later(at))
        for attempt, reason, at in ((1, "deployment", 1), (1, "takeover", 2), (2, "retry", 6))
    ]
    assert found.retries == [
        Retry(attempt=1, reason="gone", at=later(4), due=later(6)),
        Retry(attempt=2, reason="gone for good", at=later(9), due=None),
    ]


def test_the_nodes_are_those_of_the_last_attempt_however_it_ended() -> None:
    assert timeline(recorded(*LIFE)).nodes == NODES
    error = RunError(code="node_failed", message="no")
    failed = AttemptFailed(attempt=1, error=error, at=later(6), nodes=NODES)
    assert timeline(recorded(*LIFE[:4], failed)).nodes == NODES
    lost = AttemptLost(attempt=1, reason="files gone", at=later(16))
    again = RetryScheduled(attempt=2, due=later(18), at=later(16))
    second = claimed(at=18, attempt=2, fence=2, reason="retry")
    assert timeline(recorded(*LIFE[:5], lost, again, second)).nodes == ()


def test_what_was_stored_is_told_with_its_size_and_time() -> None:
    [stored] = timeline(recorded(*LIFE)).uploads
    assert (stored.role, stored.name, stored.bytes, stored.seconds) == ("output", "a.png", 10, 0.1)
