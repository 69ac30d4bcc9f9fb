"""What a subscription has missed, read from the log."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from app.live.subscription import Topic
from events.codec import UnreadableEvent
from events.envelope import AnyRecorded, Entry, Recorded

WINDOW = 100
"""Events that are read ahead of one client."""


class Log(Protocol):
    """The log, as it is followed (infra/jetstream/log/aggregates.py)."""

    async def head(self) -> int:
        """Return the position of the last event.

        Raises:
            LogUnavailable: the log does not answer.

        """
        ...

    async def last_events(self, aggregates: Sequence[str], *, until: int) -> Sequence[AnyRecorded]:
        """Return the last event of each up to position *until*; those that had none are left out.

        Raises:
            LogUnavailable: the log does not answer, or not as it is at that position.

        """
        ...

    def follow(
        self, aggregates: Sequence[str], *, after: int, limit: int
    ) -> AsyncGenerator[list[Entry], None]:
        """Yield what happens beyond position *after*; without *aggregates*, to all of them.

        Raises:
            LogInterrupted: the reader lost its place.

        """
        ...


async def read_backlog(
    log: Log, topic: Topic, after: int, until: int
) -> AsyncGenerator[Sequence[AnyRecorded], None]:
    """Yield all events of a topic beyond position *after* and up to *until*.

    Raises:
        LogUnavailable, LogInterrupted: not all of them were read.
        UnreadableEvent: this version of comfyd cannot read one of them.

    """
    names = list(topic.aggregates)
    # A reader of some aggregates is never told that there is nothing more of these.
    last = max((e.position for e in await log.last_events(names, until=until)), default=0)
    if last <= after:
        return
    async with aclosing(log.follow(names, after=after, limit=WINDOW)) as batches:
        async for entries in batches:
            if readable := _readable(topic, [e for e in entries if e.position <= last]):
                yield readable
            if entries[-1].position >= last:
                return


def _readable(topic: Topic, entries: Sequence[Entry]) -> list[AnyRecorded]:
    readable = [entry for entry in entries if isinstance(entry, Recorded)]
    if len(readable) < len(entries) and not topic.patient:
        raise UnreadableEvent(f"an event of {', '.join(topic.aggregates)}")
    return readable
