"""The table of steps: over all pairs of statuses, and in the fold."""

from itertools import product

import pytest

from events.aggregates import RUN
from events.run.events import RunEvent, StatusChanged
from events.run.status import TERMINAL, TRANSITIONS, Status, can_become
from tests.builders.facts import MACHINE_ID, created, later

ORDER = list(Status)
"""As they are written down: open ones in the order of a run's life, then the ends."""

OPEN = ["not-started", "queued", "started", "running", "uploading"]
ENDS = ["success", "failed", "cancelled", "timeout"]
PAIRS = list(product(Status, Status))


def changed(status: Status, seconds: float = 1) -> StatusChanged:
    return StatusChanged(
        status=status, reason="test", attempt=0, machine_id=MACHINE_ID, at=later(seconds)
    )


def test_every_status_is_in_the_table() -> None:
    assert list(TRANSITIONS) == ORDER == [*OPEN, *ENDS]
    assert set(ENDS) == TERMINAL


@pytest.mark.parametrize(("status", "goal"), PAIRS)
def test_a_step_leads_forward_and_from_an_end_there_is_none(status: Status, goal: Status) -> None:
    forward = ORDER.index(goal) > ORDER.index(status)
    assert can_become(status, goal) is (status in OPEN and forward)


@pytest.mark.parametrize(("status", "goal"), PAIRS)
def test_a_fold_takes_only_steps_of_the_table(status: Status, goal: Status) -> None:
    events: list[RunEvent] = [created(), changed(status), changed(goal, 2)]

    run = RUN.fold(events)

    assert run is not None
    assert run.status is (goal if can_become(status, goal) else status)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("then", list(Status))
def test_what_comes_after_the_end_changes_nothing_at_all(end: str, then: Status) -> None:
    ended = RUN.fold([created(), changed(Status(end))])

    assert RUN.fold([changed(then, 2)], ended) == ended
    assert ended is not None
    assert ended.ended_at == later(1)
