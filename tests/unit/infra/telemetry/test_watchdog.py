"""A process that cannot do its work any more says so and ends; one that has to wait does not."""

import asyncio
import logging
import subprocess
import sys

import pytest

from infra.telemetry.internal_server import Health
from infra.telemetry.watchdog import BLOCKED_AFTER, STOP_WITHIN, GaveUp, Watchdog


class Process:
    """A process whose parts are as the test wants them."""

    def __init__(self) -> None:
        self.limits: list[float] = []
        self.stop = asyncio.Event()
        self.watchdog = Watchdog(self.stop, kill_after=self.limits.append)
        self.says: dict[str, str] = {}

    def watch(self, part: str) -> None:
        """Have a part watched; "GaveUp …" gives up."""

        async def check() -> str:
            if self.says[part].startswith("GaveUp"):
                raise GaveUp(self.says[part].removeprefix("GaveUp "))
            return self.says[part]

        self.watchdog.watch(part, check)


async def test_it_is_ready_once_all_parts_were_seen_well() -> None:
    process = Process()
    seen = [await process.watchdog.ready()]
    process.watch("nats")
    process.watch("work")
    seen.append(await process.watchdog.ready())
    for process.says in (
        {"nats": "ok", "work": "away"},
        {"nats": "ok", "work": "standing by"},
        {"nats": "ok", "work": "ok"},
    ):
        await process.watchdog.look()
        seen.append(await process.watchdog.ready())
    assert seen == [
        Health(ok=False, parts={"startup": "waiting for NATS"}),
        Health(ok=False, parts={"nats": "starting", "work": "starting"}),
        Health(ok=False, parts={"nats": "ok", "work": "away"}),
        Health(ok=True, parts={"nats": "ok", "work": "standing by"}),
        Health(ok=True, parts={"nats": "ok", "work": "ok"}),
    ]
    process.stop.set()
    assert await process.watchdog.ready() == Health(ok=False, parts={"nats": "ok", "work": "ok"})


async def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    process = Process()
    process.watch("nats")
    with caplog.at_level(logging.INFO):
        for said in ("ok", "away", "away", "ok"):
            process.says = {"nats": said}
            await process.watchdog.look()
    changes = [(r.levelname, r.__dict__["before"], r.__dict__["now"]) for r in caplog.records]
    assert changes == [("WARNING", "ok", "away"), ("INFO", "away", "ok")]


async def test_it_gives_up_once_with_a_reason_and_lets_its_work_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process = Process()
    process.watch("nats")
    process.says = {"nats": "GaveUp NATS answers others"}
    closed = []

    async def body() -> None:
        await process.stop.wait()
        closed.append(await process.watchdog.live())

    with pytest.raises(GaveUp):
        await process.watchdog.guard(body())
    assert closed == [Health(ok=False, parts={"gave_up": "NATS answers others"})]
    assert not (await process.watchdog.ready()).ok
    assert process.limits == [BLOCKED_AFTER, BLOCKED_AFTER, STOP_WITHIN]
    told = [(r.levelname, r.message, r.__dict__["reason"]) for r in caplog.records]
    assert told == [("CRITICAL", "process.gave_up", "NATS answers others")]


async def test_work_that_gives_up_by_itself_ends_the_same_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process = Process()

    async def body() -> None:
        raise GaveUp("JetStream does not answer")

    with pytest.raises(GaveUp):
        await process.watchdog.guard(body())
    assert [r.message for r in caplog.records] == ["process.gave_up"]
    assert process.stop.is_set()


@pytest.mark.parametrize(("part", "patience"), [("nats", 0.01), (None, 3600.0)])
async def test_what_does_not_stop_is_cancelled_at_once_if_it_still_waits_for_nats(
    monkeypatch: pytest.MonkeyPatch, part: str | None, patience: float
) -> None:
    monkeypatch.setattr("infra.telemetry.watchdog.STOP_WITHIN", patience)
    process = Process()
    if part:
        process.watch(part)
    process.stop.set()
    ended = []

    async def body() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async with asyncio.timeout(10):
        await process.watchdog.guard(body())
    assert ended == ["cancelled"]


async def test_an_error_of_the_work_ends_the_process_as_it_is() -> None:
    process = Process()

    async def body() -> None:
        raise LookupError("unforeseen")

    with pytest.raises(LookupError, match="unforeseen"):
        await process.watchdog.guard(body())
    assert await process.watchdog.live() == Health(ok=True)


async def test_work_that_ends_is_the_end() -> None:
    process = Process()

    async def body() -> None:
        await asyncio.sleep(0)

    await process.watchdog.guard(body())
    assert await process.watchdog.live() == Health(ok=True)


BLOCKED = """
import asyncio, time
from infra.telemetry import watchdog

async def stand_still():
    time.sleep(60)

watchdog.BLOCKED_AFTER = 0.3
asyncio.run(watchdog.Watchdog(asyncio.Event()).guard(stand_still()))
"""


def test_a_process_whose_event_loop_stands_still_is_killed_with_a_trace() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 1
    assert "in stand_still" in ended.stderr
