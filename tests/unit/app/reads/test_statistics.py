"""Figures of a tenant: every hour is there, and what waits is named once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.reads.statistics import MachineLoad, WaitingRuns, _by_machine, _by_status, _waiting
from projections.activity import OpenRuns

EARLY = datetime(2026, 11, 30, 9, tzinfo=UTC)
LATE = EARLY + timedelta(minutes=5)
ONE, TWO = UUID(int=1), UUID(int=2)


def runs(status: str, waits_for: str | None, machine: UUID, count: int, at: datetime) -> OpenRuns:
    return OpenRuns(
        status=status, waits_for=waits_for, machine_id=machine, count=count, oldest_at=at
    )


FOUND = [
    runs("not-started", "machine_unreachable", TWO, 1, LATE),
    runs("running", "machine_unreachable", TWO, 2, EARLY),
    runs("not-started", "machine_queue", ONE, 7, LATE),
    runs("running", None, ONE, 1, EARLY),
    runs("uploading", None, ONE, 1, LATE),
]


def test_what_waits_for_the_same_is_one_line_whatever_its_status() -> None:
    assert _waiting(FOUND) == [
        WaitingRuns(reason="machine_unreachable", machine_id=TWO, count=3, oldest_at=EARLY),
        WaitingRuns(reason="machine_queue", machine_id=ONE, count=7, oldest_at=LATE),
    ]


def test_a_machine_has_runs_that_it_renders_and_runs_that_wait() -> None:
    assert _by_machine(FOUND) == [
        MachineLoad(machine_id=ONE, active=2, waiting=7),
        MachineLoad(machine_id=TWO, active=0, waiting=3),
    ]


def test_every_open_status_is_counted() -> None:
    assert _by_status(FOUND) == {
        "not-started": 8,
        "queued": 0,
        "started": 0,
        "running": 3,
        "uploading": 1,
    }
    assert _by_status([])["running"] == 0
