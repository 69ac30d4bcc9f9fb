"""A wait is noted when it begins, when it becomes another one, and when it is over; never twice."""

from functools import partial

import pytest

from events.aggregates import RUN
from events.errors import Superseded
from events.run.commands import NoteWaiting
from events.run.events import RunEvent, RunWaiting, StatusChanged
from events.run.status import Status
from events.run.waiting import MAX_WAITS
from tests.builders.facts import MACHINE_ID, OTHER_ID, claimed, created, later, produced, uploaded
from tests.observe import specification

given = partial(specification.given, RUN)


def note(reason: str, *, at: float = 0, **changes: object) -> NoteWaiting:
    facts = {"detail": "refused", "machine_id": MACHINE_ID} | changes
    return NoteWaiting(reason=reason, now=later(at), **facts)  # type: ignore[arg-type]  # of a test


def waiting(reason: str, *, at: float = 0, machine_id: object = MACHINE_ID) -> RunWaiting:
    return RunWaiting(reason=reason, detail="refused", machine_id=machine_id, at=later(at))  # type: ignore[arg-type]  # of a test


def test_a_wait_is_noted_once_for_each_reason() -> None:
    began = waiting("machine_unreachable")
    given(created()).when(note("machine_unreachable")).then(began)
    given(created(), began).when(note("machine_unreachable", at=9)).then_nothing()
    given(created(), began).when(note("storage_unavailable", at=9)).then(
        waiting("storage_unavailable", at=9)
    )
    given(created(), began).when(note("machine_unreachable", machine_id=OTHER_ID)).then(
        waiting("machine_unreachable", machine_id=OTHER_ID)
    )


def test_that_a_wait_is_over_is_noted_only_when_there_was_one() -> None:
    over = waiting("", at=3, machine_id=None)
    given(created()).when(note("", at=3)).then_nothing()
    given(created(), waiting("machine_draining")).when(note("", at=3)).then(over)
    given(created(), waiting("machine_draining"), over).when(note("", at=3)).then_nothing()


@pytest.mark.parametrize(
    "progress",
    [
        claimed(),
        produced(),
        uploaded(),
        StatusChanged(
            status=Status.RUNNING, reason="machine", attempt=1, machine_id=None, at=later(1)
        ),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_run_that_gets_on_waits_no_more(progress: RunEvent) -> None:
    run = RUN.fold([created(), claimed(), waiting("machine_unreachable"), progress])
    assert run is not None
    assert run.waiting is None


def test_one_outage_after_another_is_one_long_wait_and_a_drained_machine_is_none() -> None:
    def since(*reasons: str) -> float:
        waits = [waiting(reason, at=at) for at, reason in enumerate(reasons)]
        run = RUN.fold([created(), *waits])
        assert run is not None
        assert run.waiting is not None
        return (run.waiting.since - later(0)).total_seconds()

    assert since("machine_unreachable", "storage_unavailable", "machine_unreachable") == 0
    assert since("machine_draining", "machine_unreachable") == 1
    assert since("machine_unreachable", "", "machine_unreachable") == 2


def test_a_machine_that_comes_and_goes_for_ever_does_not_fill_the_log() -> None:
    flapping: list[RunEvent] = [created()]
    for number in range(MAX_WAITS):
        flapping += [waiting("machine_unreachable", at=number), waiting("", at=number)]
    given(*flapping).when(note("machine_unreachable")).then_nothing()
    given(*flapping[:-1]).when(note("", at=5)).then(waiting("", at=5, machine_id=None))


def test_a_worker_that_has_lost_the_run_has_no_say_in_it() -> None:
    taken_over = (created(), claimed(), claimed(fence=2, reason="takeover"))
    given(*taken_over).when(note("machine_unreachable", fence=1)).then_refused(Superseded)
    given(*taken_over).when(note("machine_unreachable", fence=2)).then(
        waiting("machine_unreachable")
    )


def test_an_ended_run_waits_for_nothing() -> None:
    over = StatusChanged(
        status=Status.CANCELLED, reason="cancelled", attempt=0, machine_id=None, at=later(1)
    )
    given(created(), over).when(note("machine_unreachable")).then_nothing()
