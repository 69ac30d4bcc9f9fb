"""Read your own writes: no answer of this process is older than one it gave before."""

from collections.abc import Callable
from uuid import UUID

from cachetools import LRUCache

from infra.event_store import LogUnavailable

REMEMBERED_WRITES = 50_000

Check = Callable[[int], None]
"""Returns if an answer at that position keeps the promise, else raises LogUnavailable."""


class RecentWrites:
    """The positions that this process has answered with, by aggregate."""

    def __init__(self) -> None:
        self._positions: LRUCache[UUID, int] = LRUCache(REMEMBERED_WRITES)

    def note(self, identifier: UUID, position: int) -> None:
        """Remember that the aggregate was answered for at *position*; a promise never shrinks."""
        self._positions[identifier] = max(position, self.position(identifier))

    def position(self, identifier: UUID) -> int:
        """Return the last promise for an aggregate, 0 for none."""
        return self._positions.get(identifier, 0)

    def promise(self, identifier: UUID) -> Check:
        """Return the check for an answer of the log's that is asked for after this.

        Taken before the question, since others are promised more while it is answered. The leader
        of the log is always new enough. But one that the others have deposed, because the network
        is cut in two, goes on answering for some seconds before it knows.
        """
        promised = self.position(identifier)

        def check(position: int) -> None:
            if position < promised:
                raise LogUnavailable(f"the log answers as it was before {promised}")

        return check
