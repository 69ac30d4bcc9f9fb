"""Many things side by side: in order, never too many, and no further after a failure."""

import asyncio

import pytest

from infra.gather_bounded import gather_bounded


async def test_results_come_in_the_order_of_the_things_and_never_too_many_at_once() -> None:
    under_way, most = 0, 0

    async def double(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0 if number % 2 else 0.001)
        under_way -= 1
        return 2 * number

    assert await gather_bounded(double, range(20), at_once=3) == [2 * n for n in range(20)]
    assert most == 3


async def test_nothing_is_nothing() -> None:
    async def never(_: int) -> None:
        raise AssertionError("there was nothing to do")

    assert await gather_bounded(never, [], at_once=3) == []


async def test_the_first_failure_is_raised_as_it_is_and_the_rest_is_left() -> None:
    done: list[int] = []

    async def fail_at_two(number: int) -> None:
        await asyncio.sleep(0)
        if number == 2:
            raise ValueError("two")
        done.append(number)

    with pytest.raises(ValueError, match="two"):
        await gather_bounded(fail_at_two, range(100), at_once=2)
    assert len(done) < 5
