"""A bulkhead: the slots of a worker, shared out so that no machine and no tenant holds them all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from msgspec import Struct

from consumers.delivery import RetryLater

FIRST_DELAY, LONGEST_DELAY = 0.25, 10.0
"""Bounds of the time after which work that found no room comes again, in seconds; doubling."""

IN_LINE = 2
"""How many may hold a slot or wait for one, for each slot that a machine or tenant may have."""

_ALL = "all"


class Bounds(Struct, frozen=True, kw_only=True):
    """How many slots there are, and how many of them one may hold."""

    slots: int
    of_machine: int
    of_tenant: int


class Bulkhead:
    """The slots for one kind of work in this process."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._held: Counter[str] = Counter()
        self._in_line: Counter[str] = Counter()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def slot(self, machine_id: UUID, tenant: str, delivery: int) -> AsyncIterator[None]:
        """Hold a slot during the block, after a wait if need be.

        Raises:
            RetryLater: so many of the machine or tenant are in line that others would not be heard.

        """
        own = {
            f"machine {machine_id}": self._bounds.of_machine,
            f"tenant {tenant}": self._bounds.of_tenant,
        }
        limits = own | {_ALL: self._bounds.slots}
        if not _has_room(self._in_line, {name: IN_LINE * n for name, n in own.items()}):
            raise RetryLater(min(FIRST_DELAY * 2.0 ** min(delivery - 1, 10), LONGEST_DELAY))
        with _counted(self._in_line, own):
            while not _has_room(self._held, limits):
                self._freed.clear()
                await self._freed.wait()
            try:
                with _counted(self._held, limits):
                    yield
            finally:
                self._freed.set()


def _has_room(counts: Mapping[str, int], limits: Mapping[str, int]) -> bool:
    return all(counts.get(name, 0) < limit for name, limit in limits.items())


@contextmanager
def _counted(counts: Counter[str], limits: Mapping[str, int]) -> Iterator[None]:
    names = tuple(limits)
    counts.update(names)
    try:
        yield
    finally:
        counts.subtract(names)
        for name in names:
            if not counts[name]:
                del counts[name]
