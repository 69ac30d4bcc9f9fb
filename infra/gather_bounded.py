"""Concurrent map with a bound."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def gather_bounded(
    do: Callable[[T], Awaitable[R]], things: Iterable[T], *, at_once: int
) -> list[R]:
    """Return what *do* returns for each of *things*, in their order.

    The first failure is raised, and what is not done by then is cancelled.
    """
    slots = asyncio.Semaphore(at_once)

    async def one(thing: T) -> R:
        async with slots:
            return await do(thing)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(thing)) for thing in things]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
