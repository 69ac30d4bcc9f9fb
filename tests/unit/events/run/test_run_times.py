"""What a run took: one definition, for every way in which a run goes and ends."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct
from msgspec.structs import replace

from events.aggregates import RUN
from events.run.commands import (
    ClaimRun,
    ConfirmCancel,
    CreateRun,
    FailRun,
    LoseAttempt,
    RecordOutputs,
    RecordUpload,
    ReportStatus,
    RequestCancel,
    RunCommand,
    SettleRun,
    TimeOutRun,
)
from events.run.events import Ending, RunClaimed, RunError, StatusChanged
from events.run.status import Status
from tests.builders.facts import MACHINE_ID, created, image_output, later, uploaded

ERROR = RunError(code="node_failed", message="it broke")
ACCEPTED = CreateRun(created=created(workflow_name="cats"))


def claim(at: float) -> ClaimRun:
    return ClaimRun(machine_id=MACHINE_ID, machine_name="gpu", worker="w", now=later(at))


def running(at: float, *, fence: int = 1) -> ReportStatus:
    return ReportStatus(fence=fence, status=Status.RUNNING, now=later(at))


def rendered(at: float, seconds: float | None = None, *, attempt: int = 1) -> RecordOutputs:
    return RecordOutputs(
        attempt=attempt, outputs=(image_output(),), now=later(at), render_seconds=seconds
    )


def stored(at: float, *, attempt: int = 1) -> RecordUpload:
    return RecordUpload(upload=replace(uploaded(attempt=attempt), at=later(at)))


def settled(at: float) -> SettleRun:
    return SettleRun(now=later(at))


def failed(at: float, seconds: float | None = None, *, attempt: int | None = 1) -> FailRun:
    return FailRun(error=ERROR, now=later(at), attempt=attempt, render_seconds=seconds)


def lost(at: float, *, attempt: int = 1) -> LoseAttempt:
    return LoseAttempt(attempt=attempt, reason="gone", now=later(at))


def asked_to_stop(at: float) -> RequestCancel:
    return RequestCancel(by="ada", now=later(at))


def stopped(at: float) -> ConfirmCancel:
    return ConfirmCancel(now=later(at))


def timed_out(at: float) -> TimeOutRun:
    return TimeOutRun(attempt=1, error=ERROR, now=later(at))


def ending_after(commands: Sequence[RunCommand]) -> Ending:
    """Return what the last fact says of a run to which this happened; the fold agrees with it."""
    state, events = None, []
    for command in [ACCEPTED, *commands]:
        for event in RUN.decide(state, command):
            state = RUN.evolve(state, event)
            events.append(event)
    assert state is not None
    [end] = [e for e in events if isinstance(e, StatusChanged) and e.ending is not UNSET]
    assert end is events[-1]
    assert end.ending is not UNSET
    assert (state.ending, state.started_at) == (end.ending, end.ending.began_at)
    return end.ending


class Case(Struct, frozen=True):
    """What happened, and what it took."""

    commands: tuple[RunCommand, ...]
    began: float | None
    wait: float
    render: float
    gpu: float
    total: float


CASES = {
    "the machine's own record counts, and the upload does not": Case(
        (claim(1), running(2), rendered(10, 7.5), stored(12), settled(13)),
        2, 2, 7.5, 7.5, 13,
    ),
    "without a record it is from running to what was heard of its end": Case(
        (claim(1), running(2), rendered(10), stored(12), settled(13)), 2, 2, 8, 8, 13
    ),
    "nobody saw it begin, the machine's record says when": Case(
        (claim(1), rendered(10, 0.25), stored(11), settled(12)), 9.75, 9.75, 0.25, 0.25, 12
    ),
    "nobody saw it begin, and the machine does not say": Case(
        (claim(1), rendered(10), stored(11), settled(12)), 10, 10, 0, 0, 12
    ),
    "a record longer than the attempt is cut": Case(
        (claim(4), rendered(10, 3600), stored(11), settled(12)), 4, 4, 6, 6, 12
    ),
    "word of the beginning came late": Case(
        (claim(1), running(6), rendered(10, 8), stored(11), settled(12)), 2, 2, 8, 8, 12
    ),
    "word of a second beginning came late": Case(
        (
            claim(1), running(2), lost(4), claim(10), running(19, fence=2),
            rendered(20, 8, attempt=2), stored(21, attempt=2), settled(22),
        ),
        2, 2, 8, 10, 22,
    ),
    "everything was cached": Case(
        (claim(1), running(2), rendered(2.1, 0.0), stored(3), settled(3)), 2, 2, 0, 0, 3
    ),
    "it failed": Case((claim(1), running(2), failed(9, 6)), 2, 2, 6, 6, 9),
    "it failed before anybody saw it begin": Case((claim(1), failed(9, 3)), 6, 6, 3, 3, 9),
    "it failed without a machine": Case((failed(9, attempt=None),), None, 9, 0, 0, 9),
    "it could not be brought to its machine": Case(
        (claim(1), failed(9, attempt=None)), None, 9, 0, 0, 9
    ),
    "its outputs could not be stored": Case(
        (claim(1), running(2), rendered(10, 7.5), failed(60, attempt=None)), 2, 2, 7.5, 7.5, 60
    ),
    "an attempt that was lost counts for the GPU, the last one for the render": Case(
        (
            claim(1), running(2), lost(12), claim(20), running(21, fence=2),
            rendered(30, 8, attempt=2), stored(31, attempt=2), settled(32),
        ),
        2, 2, 8, 18, 32,
    ),
    "an attempt that was lost before it began counts nothing": Case(
        (
            claim(1), lost(12), claim(20), rendered(30, 8, attempt=2), stored(31, attempt=2),
            settled(32),
        ),
        22, 22, 8, 8, 32,
    ),
    "its outputs were lost, so it was rendered twice": Case(
        (
            claim(1), running(2), rendered(10, 7), lost(12), claim(20), running(21, fence=2),
            rendered(30, 8, attempt=2), stored(31, attempt=2), settled(32),
        ),
        2, 2, 8, 15, 32,
    ),
    "lost three times": Case(
        (
            claim(1), running(2), lost(4), claim(10), running(11, fence=2), lost(12, attempt=2),
            claim(20), lost(30, attempt=3),
        ),
        2, 2, 0, 3, 30,
    ),
    "another worker takes over what is rendering": Case(
        (claim(1), running(2), claim(50), rendered(60, 7), stored(61), settled(62)), 2, 2, 7, 7, 62
    ),
    "cancelled while it waited": Case((asked_to_stop(5),), None, 5, 0, 0, 5),
    "cancelled in the queue of its machine": Case(
        (claim(1), asked_to_stop(5), stopped(6)), None, 6, 0, 0, 6
    ),
    "cancelled while it rendered: until it is known to have stopped": Case(
        (claim(1), running(2), asked_to_stop(5), stopped(6)), 2, 2, 4, 4, 6
    ),
    "cancelled when it had just been rendered": Case(
        (claim(1), asked_to_stop(5), rendered(6, 2)), 4, 4, 2, 2, 6
    ),
    "cancelled during its upload": Case(
        (claim(1), running(2), rendered(10, 7), asked_to_stop(15)), 2, 2, 7, 7, 15
    ),
    "it took too long": Case((claim(1), running(2), timed_out(102)), 2, 2, 100, 100, 102),
    "it never began": Case((claim(1), timed_out(102)), None, 102, 0, 0, 102),
    "the clocks of two workers disagree": Case(
        (claim(1), running(9), rendered(8), stored(11), settled(12)), 9, 9, 0, 0, 12
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_run_took_follows_from_its_facts(name: str) -> None:
    case = CASES[name]
    ending = ending_after(case.commands)
    claimed = any(isinstance(command, ClaimRun) for command in case.commands)
    assert ending == Ending(
        began_at=None if case.began is None else later(case.began),
        wait_seconds=case.wait,
        render_seconds=case.render,
        gpu_seconds=case.gpu,
        total_seconds=case.total,
        environment="production",
        workflow_name="cats",
        machine_name="gpu" if claimed else "",
    )


def test_the_name_of_a_machine_is_the_one_it_had_when_it_took_the_run() -> None:
    renamed = replace(claim(20), machine_name="new gpu")
    run = RUN.fold(RUN.decide(None, ACCEPTED))
    assert run is not None
    [event] = RUN.decide(run, claim(1))
    assert isinstance(event, RunClaimed)
    assert event.machine_name == "gpu"
    ending = ending_after([claim(1), lost(2), renamed, asked_to_stop(30), stopped(31)])
    assert ending.machine_name == "new gpu"


def rendered_and_measured(at: float) -> RecordOutputs:
    return rendered(at, 5.0)


SOMETHING = st.sampled_from(
    [claim, running, rendered, rendered_and_measured, stored, settled, failed, lost, stopped]
)


@given(steps=st.lists(st.tuples(st.floats(0, 10), SOMETHING), max_size=12))
def test_whatever_happens_the_parts_fit_into_the_whole(steps: list[tuple[float, object]]) -> None:
    at, commands = 0.0, []
    for pause, make in steps:
        at += pause
        commands.append(make(at))  # type: ignore[operator]  # each takes the time
    state = None
    for command in [ACCEPTED, *commands, asked_to_stop(at + 1), stopped(at + 2)]:
        try:
            decided = RUN.decide(state, command)
        except Exception:  # noqa: BLE001 -- a refusal records nothing
            continue
        state = RUN.fold(decided, state)
    assert state is not None
    ending = state.ending
    assert ending is not None
    assert 0 <= ending.render_seconds <= ending.gpu_seconds <= ending.total_seconds + 0.001
    assert 0 <= ending.wait_seconds <= ending.total_seconds
    assert ending.wait_seconds + ending.render_seconds <= ending.total_seconds + 0.002
