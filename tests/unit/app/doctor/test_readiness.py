"""What /health/ready says of the parts: asked once for many, and each change logged once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from app.doctor import readiness
from app.doctor.readiness import ProjectorPart
from infra.event_store import LogUnavailable
from infra.jetstream.health.replicas import Replica, StreamHealth
from infra.postgres import Pool, PostgresUnavailable


class Parts:
    """Parts that are as the test wants them, and the check of them."""

    answers = True
    writes = True
    silent = False
    working = True
    asked = 0

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.answered.set()
        every = cast("Any", self)
        self.readiness = readiness.ReadinessCheck(
            every, every, every, every, every, is_closing=lambda: False
        )

    async def last(self, _aggregate: str) -> None:
        """Answer as the log."""
        self.asked += 1
        if not self.answers:
            raise LogUnavailable("the log does not answer")

    async def can_write(self) -> bool:
        """Answer as the probe of a write."""
        return self.writes

    async def log_stream(self) -> StreamHealth:
        """Answer as the log, which is replicated as it shall be, or not."""
        silent = Replica(node="n2", silent=True, behind=0)
        return StreamHealth(name="RUNS", leader="n1", replicas=(silent,) if self.silent else ())

    async def worker_listens(self) -> bool:
        """Answer as the log, in its own time."""
        await self.answered.wait()
        return self.working

    async def check(self) -> None:
        """Answer as the storage."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Answer as Postgres, which is away."""
        if self.asked:
            raise PostgresUnavailable("away")
        yield


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    return Parts()


async def test_the_log_is_away_unwritable_or_well(parts: Parts) -> None:
    check = parts.readiness
    seen = []
    for parts.answers, parts.writes in ((True, True), (True, False), (False, False), (True, True)):
        seen.append((await check.parts())["log"])
    assert seen == ["ok", "unwritable", "away", "ok"]


async def test_each_change_is_logged_once(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    check = parts.readiness
    for parts.writes in (True, False, False, True):
        await check.parts()
    logged = [vars(record) for record in caplog.records if record.msg == "part.changed"]
    assert [(r["levelname"], r["part"], r["before"], r["now"]) for r in logged] == [
        ("WARNING", "read_models", "ok", "away"),
        ("WARNING", "projector", "ok", "away"),
        ("WARNING", "log", "ok", "unwritable"),
        ("INFO", "log", "unwritable", "ok"),
    ]


async def test_many_who_ask_are_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "FRESH", 60.0)
    parts = Parts()
    check = parts.readiness
    check.check_soon()
    for _ in range(5):
        await check.parts()
    assert parts.asked == 1


async def test_what_runs_are_accepted_without_makes_nobody_unready(parts: Parts) -> None:
    check = parts.readiness
    parts.silent, parts.working = True, False
    seen = await check.health()
    assert seen.ok
    assert (seen.parts["replicas"], seen.parts["workers"]) == ("silent", "none")


async def test_no_probe_waits_for_what_runs_are_accepted_without(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "PATIENCE", 0.05)
    parts.answered.clear()
    check = parts.readiness
    before = await check.health()
    parts.answered.set()
    after = await check.health()
    assert (before.ok, before.parts["workers"], after.parts["workers"]) == (True, "unknown", "ok")


async def test_a_postgres_that_is_frozen_holds_up_no_probe(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ANSWER_WITHIN", 0.05)
    monkeypatch.setattr(readiness, "PATIENCE", 0.05)
    thawed = asyncio.Event()

    @asynccontextmanager
    async def frozen() -> AsyncIterator[Any]:
        try:
            await thawed.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(2)  # to cancel a question takes its time, too
        # Who asked no longer waits, and the next test has begun.
        if thawed.is_set():
            raise PostgresUnavailable("away")
        yield

    monkeypatch.setattr(parts, "connection", frozen)
    async with asyncio.timeout(1):
        seen = await parts.readiness.parts()
    thawed.set()
    assert (seen["log"], seen["read_models"]) == ("ok", "away")


@pytest.mark.parametrize(
    ("looks", "stalled"),
    [
        # (seconds, position of the tables, position of the log)
        ([(0, 5, 9), (4, 5, 9)], False),
        ([(0, 5, 9), (5, 5, 9)], True),
        # It is behind at every look, and moves.
        ([(0, 5, 9), (5, 6, 12), (10, 8, 20)], False),
        # Nobody asked for an hour; a moment ago something happened.
        ([(0, 9, 9), (3_600, 9, 10)], False),
        ([(0, 5, 9), (5, 5, 9), (6, 9, 9)], False),
    ],
)
def test_a_projector_that_takes_no_step_is_behind(
    looks: list[tuple[int, int, int]], *, stalled: bool
) -> None:
    times = iter(second for second, _, _ in looks)
    part = ProjectorPart(cast("Pool", None), clock=lambda: next(times))
    assert [part.is_stalled(at, head) for _, at, head in looks][-1] == stalled
