"""An event store in memory: passes the same contract suite as JetStream's."""

from collections.abc import Sequence

from msgspec.structs import replace

from events.envelope import AnyRecorded
from infra.event_store import VersionConflict


class MemoryEventStore:
    """A log that lasts as long as the object."""

    def __init__(self) -> None:
        self.log: list[AnyRecorded] = []

    async def last(self, aggregate: str) -> AnyRecorded | None:
        """Return the aggregate's last event."""
        return next((e for e in reversed(self.log) if e.aggregate == aggregate), None)

    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        """Return the aggregate's events beyond *after*."""
        return [e for e in self.log if e.aggregate == aggregate and e.position > after]

    async def append(self, events: Sequence[AnyRecorded], *, expected: int) -> list[AnyRecorded]:
        """Append all or none."""
        tail = {e.id: e for e in await self.read(events[0].aggregate, after=expected)}
        if all(event.id in tail for event in events):
            return [tail[event.id] for event in events]
        if tail:
            raise VersionConflict(events[0].aggregate)
        start = len(self.log) + 1
        placed = [replace(e, position=start + index) for index, e in enumerate(events)]
        self.log += placed
        return placed
