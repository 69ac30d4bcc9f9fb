"""Thread pool for CPU-bound work, so that the event loop goes on.

Threads are enough for what is written in Python, since the interpreter switches between them every
5 ms. One long call into C holds them all up: such calls get pieces, or run in a process.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

SMALL = 64 * 1024
"""Bytes (or as many values) that are worked on at once: changing threads would take longer."""

_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="cpu")
"""Two at a time: more would share one interpreter, and each holds a large request in memory."""


async def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run CPU-bound *work* beside the event loop; what it raises is raised here."""
    call = partial(work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _with_gc_paused, call)


def _with_gc_paused(work: Callable[[], R]) -> R:
    with _gc_pause():
        return work()


_pauses = 0
_pausing = Lock()


@contextmanager
def _gc_pause() -> Iterator[None]:
    """Pause the garbage collector: it visits every value of a large graph, again and again.

    Each visit holds up all threads, for longer than the work itself. Values of JSON make no cycles,
    so they are freed without it.
    """
    global _pauses  # noqa: PLW0603 -- the collector is one for the process, and so is this
    with _pausing:
        _pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _pausing:
            _pauses -= 1
            if not _pauses:
                gc.enable()


async def in_thread_if(large: bool, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:  # noqa: FBT001 -- reads as the question it answers
    """Run *work* beside the event loop where it is *large*, else at once."""
    return await in_thread(work, *args, **kwargs) if large else work(*args, **kwargs)
