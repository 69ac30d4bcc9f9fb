"""An answer that anybody may ask for as often as they like, and that is found out once a while.

For what costs more than the question: no flood of questions becomes a flood of that.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """One answer for all who ask while it is found out, and for some time after."""

    def __init__(self, lease: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Let an answer hold for *lease* seconds, counted from the question."""
        self._lease = lease
        self._clock = clock
        self._finding: asyncio.Task[T] | None = None
        self._until = float("-inf")

    async def of(self, find: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Give the answer; whatever finding it raises, all hear who have waited for it."""
        if self._finding is None or (self._finding.done() and self._clock() >= self._until):
            self._until = self._clock() + self._lease
            self._finding = asyncio.create_task(find())
        # One who leaves must not take the answer away from the others.
        return await asyncio.shield(self._finding)
