"""All who wait for the read models share one question, and none waits while Postgres is away."""

import asyncio

import pytest

from app.reads import wait_for_projection as waiting
from app.reads.wait_for_projection import ProjectionWatch


class Reads:
    """Read models that are further each time somebody asks."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def ask(self) -> int | None:
        self.asked += 1
        await asyncio.sleep(0)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def watch(reads: Reads) -> ProjectionWatch:
    return ProjectionWatch(reads.ask)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.001)


async def test_what_was_reached_before_is_not_asked_for_again() -> None:
    reads = Reads(3, 5, 7)
    watched = watch(reads)
    assert await watched.reached(5)
    assert (reads.asked, await watched.reached(4), reads.asked) == (2, True, 2)
    assert (await watched.reached(7), reads.asked) == (True, 3)


async def test_two_hundred_ask_once() -> None:
    reads = Reads(9)
    watched = watch(reads)
    assert all(await asyncio.gather(*(watched.reached(9) for _ in range(200))))
    assert reads.asked == 1


async def test_nobody_waits_while_postgres_is_away() -> None:
    reads = Reads(None)
    assert not await watch(reads).reached(9)
    assert reads.asked == 1


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    assert not await watch(Reads(1)).reached(9)
