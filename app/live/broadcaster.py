"""Fans the log out to the streams of this process (docs/adr/0026).

One reader follows the log, as long as there are streams. It encodes an event once, however many
clients receive it, and hands it to the subscriptions of its aggregate. Since the reader leaves
nothing out and its positions only grow, a subscription knows exactly what it has.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial

from app.live.backlog import Log, read_backlog
from app.live.frames import FrameOf
from app.live.progress import ProgressChannels
from app.live.subscription import Subscription, Topic
from events.envelope import Entry, Unreadable
from infra.event_store import LogUnavailable
from infra.jetstream.log.reader import LogInterrupted

log = logging.getLogger(__name__)

WINDOW = 500
"""Events that are read ahead."""

LINGER = 1.0
"""Seconds the reader stays after the last stream: the next one often comes at once."""

RECONNECT = 0.5
"""Seconds before a reader that lost its place begins anew."""

HEARTBEAT = 15
"""Seconds between two heartbeats, which keep the connection open through proxies."""


class Broadcaster:
    """All streams of this process."""

    def __init__(
        self,
        log: Log,
        progress: ProgressChannels,
        *,
        frame_of: FrameOf,
        too_slow: Callable[[], None] = lambda: None,
    ) -> None:
        """Encode events by *frame_of*; call *too_slow* when a slow client is disconnected."""
        self.frame_of = frame_of
        self.closed = False
        self._log = log
        self._progress = progress
        self._too_slow = too_slow
        self._all: set[Subscription] = set()
        self._by_aggregate: dict[str, set[Subscription]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._position: int | None = None
        """Of the last event that was handed out; None until the reader has begun."""

    @property
    def run_streams(self) -> int:
        """How many clients follow a run."""
        return sum(subscription.topic.progress_of is not None for subscription in self._all)

    @contextmanager
    def follow(self, topic: Topic, *, after: int) -> Iterator[Subscription]:
        """Subscribe to all that happens beyond position *after*."""
        subscription = Subscription(
            topic, after, frame_of=self.frame_of, read=partial(read_backlog, self._log)
        )
        self._add(subscription)
        try:
            yield subscription
        finally:
            self._remove(subscription)

    def close(self) -> None:
        """End all streams, now and from now on; clients resume elsewhere."""
        self.closed = True
        for subscription in self._all:
            subscription.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send heartbeats during the block, and stop the reader after it."""
        beats = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            tasks = [beats, *([self._reader] if self._reader else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, subscription: Subscription) -> None:
        self._all.add(subscription)
        for name in subscription.topic.aggregates:
            self._by_aggregate.setdefault(name, set()).add(subscription)
        self._progress.add(subscription)
        if self.closed:
            subscription.close()
        elif self._reader is None:
            self._reader = asyncio.create_task(self._read())
            self._reader.add_done_callback(self._on_end)
        elif self._position is not None:
            subscription.miss(self._position)

    def _remove(self, subscription: Subscription) -> None:
        subscription.stop()
        self._all.discard(subscription)
        for name in subscription.topic.aggregates:
            followers = self._by_aggregate[name]
            followers.discard(subscription)
            if not followers:
                del self._by_aggregate[name]
        self._progress.remove(subscription)
        if not self._all:
            asyncio.get_running_loop().call_later(LINGER, self._stop_idle_reader)

    def _stop_idle_reader(self) -> None:
        if not self._all and self._reader is not None:
            self._reader.cancel()
            self._reader = self._position = None

    def _on_end(self, reader: asyncio.Task[None]) -> None:
        """End all streams when the reader breaks: clients resume, and a new one begins."""
        if reader.cancelled() or reader is not self._reader:
            return
        log.error("broadcaster.broken", exc_info=reader.exception())
        self._reader = self._position = None
        for subscription in self._all:
            subscription.close()

    async def _read(self) -> None:
        position = self._position = await self._head()
        for subscription in self._all:
            subscription.miss(position)
        while True:
            with suppress(LogInterrupted):
                await self._follow(position)
            position = self._position
            log.info("broadcaster.interrupted", extra={"position": position})
            await asyncio.sleep(RECONNECT)

    async def _head(self) -> int:
        while True:
            with suppress(LogUnavailable):
                return await self._log.head()
            await asyncio.sleep(RECONNECT)

    async def _follow(self, after: int) -> None:
        async with aclosing(self._log.follow((), after=after, limit=WINDOW)) as batches:
            async for entries in batches:
                for entry in entries:
                    if followers := self._by_aggregate.get(entry.aggregate):
                        self._publish(entry, followers)
                    self._position = entry.position

    def _publish(self, entry: Entry, followers: Collection[Subscription]) -> None:
        if isinstance(entry, Unreadable):
            for subscription in followers:
                # A client that comes back is told why; most of a batch is better than none of it.
                if not subscription.topic.patient:
                    subscription.close()
            return
        frame = self.frame_of(entry)
        for subscription in followers:
            if not (subscription.closed or subscription.offer(frame)):
                self._too_slow()

    async def _beat(self) -> None:
        # One timer for all, and a share of them each second, so that they do not all beat at once.
        second = 0
        while True:
            await asyncio.sleep(1)
            second += 1
            for subscription in self._all:
                if hash(subscription) % HEARTBEAT == second % HEARTBEAT:
                    subscription.beat()
