"""Single-flight cache with a TTL.

For what costs more than the request: no flood of requests becomes a flood of that.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """One call for all that ask while it runs, and its result for some time after."""

    def __init__(self, lease: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep a result for *lease* seconds, counted from the call."""
        self._lease = lease
        self._clock = clock
        self._finding: asyncio.Task[T] | None = None
        self._until = float("-inf")

    async def of(self, find: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of *find*; what it raises is raised to all that have waited."""
        if self._finding is None or (self._finding.done() and self._clock() >= self._until):
            self._until = self._clock() + self._lease
            self._finding = asyncio.create_task(find())
        # A caller that is cancelled must not cancel the call of the others.
        return await asyncio.shield(self._finding)
