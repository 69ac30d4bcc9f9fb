"""Places are shared: a worker that holds many leaves some to others, and to their lines."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from consumers.bulkhead import LONGEST_DELAY, Bounds, Bulkhead
from consumers.delivery import RetryLater

BOUNDS = Bounds(slots=5, of_machine=2, of_tenant=3)
GOOD, BAD = UUID(int=1), UUID(int=2)


@pytest.fixture
def bulkhead() -> Bulkhead:
    return Bulkhead(BOUNDS)


async def hold(bulkhead: Bulkhead, held: AsyncExitStack, machine: UUID, tenant: str) -> bool:
    """Take a place; tell whether there was one at once."""
    try:
        async with asyncio.timeout(0.01):
            await held.enter_async_context(bulkhead.slot(machine, tenant, 1))
    except TimeoutError:
        return False
    return True


async def test_a_machine_that_never_ends_leaves_places_to_another(bulkhead: Bulkhead) -> None:
    async with AsyncExitStack() as held:
        bad = [await hold(bulkhead, held, BAD, "eve") for _ in range(4)]
        assert bad == [True, True, False, False]
        assert await hold(bulkhead, held, GOOD, "ada")


async def test_a_tenant_with_many_machines_leaves_places_to_another(bulkhead: Bulkhead) -> None:
    async with AsyncExitStack() as held:
        bad = [await hold(bulkhead, held, uuid4(), "eve") for _ in range(5)]
        assert bad == [True, True, True, False, False]
        assert await hold(bulkhead, held, GOOD, "ada")
        assert await hold(bulkhead, held, GOOD, "ada")
        assert not await hold(bulkhead, held, uuid4(), "bob"), "all five are taken"


async def test_a_place_that_becomes_free_goes_to_who_waits_for_it(bulkhead: Bulkhead) -> None:
    entered: list[str] = []

    async def enter(name: str, leave: asyncio.Event) -> None:
        async with bulkhead.slot(BAD, "eve", 1):
            entered.append(name)
            await leave.wait()

    first, rest = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(enter("a", first))
        group.create_task(enter("b", rest))
        group.create_task(enter("c", rest))
        await asyncio.sleep(0.01)
        assert entered == ["a", "b"]
        first.set()
        await asyncio.sleep(0.01)
        assert entered == ["a", "b", "c"]
        rest.set()


async def test_a_long_line_is_sent_away_for_longer_each_time(bulkhead: Bulkhead) -> None:
    async with AsyncExitStack() as held, asyncio.TaskGroup() as group:
        for _ in range(2):
            await hold(bulkhead, held, BAD, "eve")
        waiting = [group.create_task(bulkhead.slot(BAD, "eve", 1).__aenter__()) for _ in range(2)]
        await asyncio.sleep(0)
        delays = []
        for delivery in (1, 2, 99):
            with pytest.raises(RetryLater) as later:
                await bulkhead.slot(BAD, "eve", delivery).__aenter__()
            delays.append(later.value.seconds)
        assert delays == [0.25, 0.5, LONGEST_DELAY]
        for task in waiting:
            task.cancel()
    assert await hold(bulkhead, AsyncExitStack(), BAD, "eve"), "who left the line is forgotten"


async def test_nothing_is_kept_of_who_has_gone(bulkhead: Bulkhead) -> None:
    for _ in range(3):
        async with bulkhead.slot(uuid4(), str(uuid4()), 1):
            pass
    assert not bulkhead._held
    assert not bulkhead._in_line
