"""Waits for an answer, but not for ever, and without taking the question back."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, asking: Coroutine[Any, Any, T]) -> T:
    """Give the answer; a question that takes longer goes on, and nobody hears its answer.

    For Postgres: to cancel a question may take longer than its answer.

    Raises:
        TimeoutError: there was no answer in time.

    """
    task = asyncio.create_task(asking)
    task.add_done_callback(_heard)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        raise TimeoutError
    return task.result()


def _heard(task: asyncio.Task[Any]) -> None:
    """Keep the interpreter from complaining of an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
