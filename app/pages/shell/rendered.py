"""Parts of pages that were rendered a moment ago: many who look at the same share one rendering."""

from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from cachetools import LRUCache

from app.reads.single_flight import SingleFlight

LEASE = 1.0
"""Seconds for which a part is sent again."""

REMEMBERED = 1000


class RenderedParts:
    """Parts by all that they depend on: whose they are, language and time zone."""

    def __init__(self) -> None:
        self._parts: LRUCache[Hashable, SingleFlight[str]] = LRUCache(REMEMBERED)

    async def of(self, key: Hashable, render: Callable[[], Coroutine[Any, Any, str]]) -> str:
        """Return the part of *key*, rendered now or a moment ago; raise what rendering raises."""
        flight = self._parts.get(key)
        if flight is None:
            flight = self._parts[key] = SingleFlight(LEASE)
        return await flight.of(render)
