"""The log as streams follow it, and progress, without a server: tests say what happens."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from events.envelope import AnyRecorded, Entry, Unreadable
from infra.event_store import LogUnavailable
from infra.jetstream.live import OnProgress, Stop
from infra.jetstream.log.reader import LogInterrupted


class FakeLog:
    """A log in memory; it may be away, and lose its readers."""

    def __init__(self, log: list[AnyRecorded] | None = None) -> None:
        self.log = [] if log is None else log
        self.away = False
        self.drops_after: int | None = None
        """Position at which the next reader loses its place."""

        self.breaks = False
        """Whether readers fail as only a mistake makes them fail."""

        self.unreadable: set[int] = set()
        """Positions of events that readers cannot read."""

        self.readers = 0
        self.opened = 0

    async def head(self) -> int:
        """Return the last position."""
        self._check()
        return len(self.log)

    async def last_events(self, aggregates: Sequence[str], *, until: int) -> list[AnyRecorded]:
        """Return the last event of each."""
        self._check()
        last = {recorded.aggregate: recorded for recorded in self.log[:until]}
        return [last[name] for name in aggregates if name in last]

    async def follow(
        self, aggregates: Sequence[str], *, after: int, limit: int
    ) -> AsyncGenerator[list[Entry], None]:
        """Yield one event at a time, then wait."""
        assert limit > 0
        self.readers += 1
        self.opened += 1
        try:
            position = after
            while True:
                for recorded in self.log[position:]:
                    self._check_reader(recorded.position)
                    if not aggregates or recorded.aggregate in aggregates:
                        yield [self._entry(recorded)]
                    position = recorded.position
                self._check_reader(position)
                await asyncio.sleep(0)
        finally:
            self.readers -= 1

    def _entry(self, recorded: AnyRecorded) -> Entry:
        if recorded.position not in self.unreadable:
            return recorded
        return Unreadable(
            aggregate=recorded.aggregate, position=recorded.position, type="new", error="new"
        )

    def _check(self) -> None:
        if self.away:
            raise LogUnavailable("away")

    def _check_reader(self, position: int) -> None:
        if self.breaks:
            raise ZeroDivisionError
        if self.away or self.drops_after == position:
            self.drops_after = None
            raise LogInterrupted("dropped")


class FakeProgress:
    """Progress that a test sends."""

    def __init__(self) -> None:
        self.listening: dict[UUID, OnProgress] = {}
        self.opened = 0

    async def listen(self, run_id: UUID, on_progress: OnProgress) -> Stop:
        """Hear what the test sends about a run."""
        self.opened += 1
        self.listening[run_id] = on_progress

        async def stop() -> None:
            del self.listening[run_id]

        return stop

    def send(self, run_id: UUID, data: bytes) -> None:
        """Send progress to those who follow the run."""
        self.listening[run_id](data)
