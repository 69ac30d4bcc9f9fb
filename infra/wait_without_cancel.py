"""Time out without cancelling the task: for Postgres, where cancelling may take longer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def wait_without_cancel(seconds: float, asking: Coroutine[Any, Any, T]) -> T:
    """Return the result in time, or raise; the task then goes on, and its result is dropped.

    Raises:
        TimeoutError: there was no result after that many seconds.

    """
    task = asyncio.create_task(asking)
    task.add_done_callback(_heard)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        raise TimeoutError
    return task.result()


def _heard(task: asyncio.Task[Any]) -> None:
    """Retrieve the error of a task that is no longer awaited, so that asyncio logs nothing."""
    if not task.cancelled():
        task.exception()
