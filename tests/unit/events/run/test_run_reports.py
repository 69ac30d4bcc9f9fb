"""Whatever the order in which reports come, how often and how late: a run ends one way."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from events.aggregates import RUN
from events.errors import CommandRefused
from events.ids import derived
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
from events.run.events import RunError, RunEvent
from events.run.output import Output
from events.run.state import Run
from events.run.status import TERMINAL, Status, can_become
from infra.event_store import Session
from tests.builders.facts import (
    MACHINE_ID,
    NOW,
    RUN_ID,
    claimed,
    created,
    image_output,
    meta,
    uploaded,
)
from tests.fakes.event_store import MemoryEventStore

ERROR = RunError(code="node_failed", message="it broke")
FILES = 3
OUTPUTS: tuple[Output, ...] = (
    *(image_output(n, f"{n}.png") for n in range(FILES)),
    Output(index=FILES, node_id="1", kind="text", text="hello"),
)
SETTLE = SettleRun(now=NOW)
STARTED = ReportStatus(fence=3, status=Status.STARTED, now=NOW)
RUNNING = ReportStatus(fence=3, status=Status.RUNNING, now=NOW)
RENDERED = RecordOutputs(attempt=3, outputs=OUTPUTS, now=NOW)
UPLOADS = [RecordUpload(upload=uploaded(n, attempt=3, name=f"{n}.png")) for n in range(FILES)]
SUCCESS: list[RunCommand] = [STARTED, RUNNING, RENDERED, *UPLOADS]
LAST_ATTEMPT: list[RunEvent] = [created(), claimed(), claimed(attempt=3, fence=3)]
"""A run on its last attempt, so that a loss ends it too."""

FAILURES: list[RunCommand] = [
    FailRun(error=ERROR, now=NOW, attempt=3),
    LoseAttempt(attempt=3, reason="gone", now=NOW),
    TimeOutRun(attempt=3, error=ERROR, now=NOW),
]
STALE: list[RunCommand] = [
    ReportStatus(fence=1, status=Status.STARTED, now=NOW),
    ReportStatus(fence=2, status=Status.RUNNING, now=NOW),
    RecordOutputs(attempt=1, outputs=OUTPUTS, now=NOW),
    RecordUpload(upload=uploaded(0, attempt=2)),
    FailRun(error=ERROR, now=NOW, attempt=2),
    LoseAttempt(attempt=1, reason="gone", now=NOW),
    TimeOutRun(attempt=2, error=ERROR, now=NOW),
    ConfirmCancel(now=NOW),
]


def told(run: Run, commands: Sequence[RunCommand]) -> Run:
    for command in commands:
        with suppress(CommandRefused):
            run = RUN.fold(RUN.decide(run, command), run) or run
    return run


def on_last_attempt() -> Run:
    run = RUN.fold(LAST_ATTEMPT)
    assert run is not None
    return run


@st.composite
def shuffled(draw: st.DrawFn, reports: Sequence[RunCommand]) -> list[RunCommand]:
    """Draw an order of all *reports*, with repeats anywhere."""
    repeats = draw(st.lists(st.sampled_from(reports), max_size=8))
    return draw(st.permutations([*reports, *repeats]))


@given(reports=shuffled(SUCCESS))
def test_a_render_whose_files_are_stored_ends_as_the_same_success(
    reports: list[RunCommand],
) -> None:
    settled = [command for report in reports for command in (report, SETTLE)]
    in_order = told(on_last_attempt(), [*SUCCESS, SETTLE])
    assert in_order.status is Status.SUCCESS

    run = told(on_last_attempt(), settled)

    assert run == in_order


@given(failure=st.sampled_from(FAILURES), data=st.data())
def test_a_failure_ends_a_run_the_same_way_wherever_it_comes_among_the_reports(
    failure: RunCommand, data: st.DataObject
) -> None:
    reports = data.draw(shuffled([STARTED, RUNNING, *UPLOADS, SETTLE, failure]))
    at_once = told(on_last_attempt(), [failure])
    assert at_once.ended

    run = told(on_last_attempt(), reports)

    assert (run.status, run.error, run.ended_at) == (at_once.status, at_once.error, NOW)


@given(end=st.sampled_from([[*SUCCESS, SETTLE], *([f] for f in FAILURES)]), data=st.data())
def test_reports_after_the_end_change_nothing(end: list[RunCommand], data: st.DataObject) -> None:
    ended = told(on_last_attempt(), end)
    late = data.draw(shuffled([*SUCCESS, SETTLE, *FAILURES, *STALE]))
    assert ended.ended
    assert told(ended, late) == ended


@given(reports=shuffled([*SUCCESS, SETTLE]), data=st.data())
def test_stale_reports_change_nothing_wherever_they_come(
    reports: list[RunCommand], data: st.DataObject
) -> None:
    run = on_last_attempt()
    for report in reports:
        stale = data.draw(st.lists(st.sampled_from(STALE), max_size=3))
        assert told(run, stale) == run
        run = told(run, [report])


def _commands() -> list[RunCommand]:
    statuses = (Status.STARTED, Status.RUNNING, Status.SUCCESS)
    found: list[RunCommand] = [
        ReportStatus(fence=fence, status=status, now=NOW)
        for fence in (1, 2, 3)
        for status in statuses
    ]
    for attempt in (1, 2, 3):
        found += [
            RecordOutputs(attempt=attempt, outputs=OUTPUTS[:2], now=NOW),
            RecordUpload(upload=uploaded(0, attempt=attempt)),
            RecordUpload(upload=uploaded(1, attempt=attempt, name="1.png")),
            FailRun(error=ERROR, now=NOW, attempt=attempt),
            LoseAttempt(attempt=attempt, reason="gone", now=NOW),
            TimeOutRun(attempt=attempt, error=ERROR, now=NOW),
        ]
    return [*found, SETTLE, RequestCancel(by="ada", now=NOW), ConfirmCancel(now=NOW)]


class RunOfTwoWorkers(RuleBasedStateMachine):
    """Two workers with old knowledge say anything, also twice, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._store = MemoryEventStore()
        self._sessions = [Session(self._store, RUN, RUN_ID, tenant="user:ada") for _ in range(2)]
        self._claims = 0
        self._execute(0, CreateRun(created=created()), derived("create"))

    def _execute(self, worker: int, command: RunCommand, command_id: UUID) -> None:
        session = self._sessions[worker]
        with suppress(CommandRefused):
            self._runner.run(session.execute(command, meta(command_id=command_id)))

    @rule(worker=st.integers(0, 1), command=st.sampled_from(_commands()), again=st.booleans())
    def say(self, worker: int, command: RunCommand, again: bool) -> None:  # noqa: FBT001 -- drawn
        """Deliver a report, perhaps twice."""
        for _ in range(1 + again):
            self._execute(worker, command, derived(worker, command))

    @rule(worker=st.integers(0, 1))
    def claim(self, worker: int) -> None:
        """Take the run; every claim is one of its own."""
        self._claims += 1
        command = ClaimRun(machine_id=MACHINE_ID, worker=str(worker), now=NOW)
        self._execute(worker, command, derived("claim", self._claims))

    @rule(worker=st.integers(0, 1))
    def look(self, worker: int) -> None:
        """Catch up with the log."""
        self._runner.run(self._sessions[worker].load())

    @invariant()
    def the_log_is_whole(self) -> None:
        """Versions have no gap, positions grow, no event is there twice."""
        log = self._store.log
        assert [e.version for e in log] == list(range(1, len(log) + 1))
        assert [e.position for e in log] == sorted({e.position for e in log})
        assert len({e.id for e in log}) == len(log)

    @invariant()
    def a_status_never_goes_back(self) -> None:
        """Each event has the status before it or one that the table allows from there."""
        statuses = [Status(e.status) for e in self._store.log]
        for before, after in pairwise(statuses):
            assert after == before or can_become(before, after)

    @invariant()
    def nothing_follows_the_end(self) -> None:
        """An end is the last event, and there is one."""
        assert not any(Status(e.status) in TERMINAL for e in self._store.log[:-1])

    @invariant()
    def a_session_knows_what_a_fold_of_the_log_says(self) -> None:
        """A session is old at most, never wrong."""
        for session in self._sessions:
            seen: list[Any] = [e.event for e in self._store.log if e.position <= session.position]
            assert RUN.fold(seen) == session.state

    @override
    def teardown(self) -> None:
        """Close the event loop."""
        self._runner.close()


TestRunOfTwoWorkers = RunOfTwoWorkers.TestCase
TestRunOfTwoWorkers.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
