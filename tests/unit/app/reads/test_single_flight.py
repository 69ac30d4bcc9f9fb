"""Many ask, and it is found out once."""

import asyncio

import pytest

from app.reads.single_flight import SingleFlight


class Oracle:
    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def find(self) -> int:
        self.asked += 1
        await self.may_answer.wait()
        return self.asked


async def test_all_who_wait_and_all_who_come_soon_after_share_an_answer() -> None:
    oracle = Oracle()
    shared = SingleFlight[int](1.0, clock=lambda: oracle.now)
    waiting = [asyncio.create_task(shared.of(oracle.find)) for _ in range(100)]
    await asyncio.sleep(0)
    oracle.may_answer.set()
    assert await asyncio.gather(*waiting) == [1] * 100

    oracle.now = 0.9
    assert await shared.of(oracle.find) == 1
    oracle.now = 1.0
    assert await shared.of(oracle.find) == 2


async def test_what_takes_longer_than_its_lease_is_not_asked_twice_at_a_time() -> None:
    oracle = Oracle()
    shared = SingleFlight[int](1.0, clock=lambda: oracle.now)
    first = asyncio.create_task(shared.of(oracle.find))
    await asyncio.sleep(0)
    oracle.now = 5.0
    second = asyncio.create_task(shared.of(oracle.find))
    await asyncio.sleep(0)
    oracle.may_answer.set()
    assert {await first, await second} == {1}


async def test_one_who_leaves_does_not_take_the_answer_along() -> None:
    oracle = Oracle()
    shared = SingleFlight[int](1.0)
    leaves, stays = (asyncio.create_task(shared.of(oracle.find)) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    oracle.may_answer.set()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    assert await stays == 1
