"""Work beside a block of code: a task that ends with the block, and a watch for a run's end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeVar

from consumers.run.commands import RunSession
from events import codec
from events.run.events import CancelRequested
from infra.event_store import LogUnavailable

T = TypeVar("T")

Heard = Callable[[str, str], AbstractAsyncContextManager[asyncio.Event]]
"""Opens an event that is set when the aggregate gets a fact of that type; may be missed."""

CANCEL_REQUESTED = codec.type_name_of(CancelRequested)

LOOK_AGAIN = 5.0
"""Seconds between looks into the log for a cancellation whose announcement was lost."""


@asynccontextmanager
async def background(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run *work* beside the block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        # What it raised was either looked at inside the block or no longer matters.
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()


async def stopped(session: RunSession, heard: asyncio.Event) -> None:
    """Return when someone asks to stop the run, or when it has ended.

    *heard* is set when a cancellation is announced.
    """
    while not (session.existing.cancel_requested or session.existing.ended):
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                await heard.wait()
        heard.clear()
        with suppress(LogUnavailable):  # An outage of the log is no reason to stop the work.
            await session.load()
