"""Fans the log out to the streams of this process (docs/adr/0026).

One reader follows the log, as long as there are streams. It encodes an event once, however many
clients receive it, and hands it to the subscriptions of its aggregate and to the channel of its
tenant. Since the reader leaves nothing out and its positions only grow, a client knows exactly what
it has.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial

from app.live.backlog import Log, read_backlog
from app.live.client import LiveClient
from app.live.frames import FrameOf
from app.live.progress import ProgressChannels
from app.live.subscription import Subscription, Topic
from app.live.tenant_backlog import TenantBacklog
from app.live.tenant_channel import TenantChannel, TenantSubscription, begin_near
from events.envelope import AnyRecorded, Unreadable
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
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Encode events by *frame_of*; call *too_slow* when a slow client is disconnected.

        *notice* is called with the aggregate of each event, while there are streams.
        """
        self.frame_of = frame_of
        self.closed = False
        self._log = log
        self._progress = progress
        self._too_slow = too_slow
        self._notice = notice
        self._subscriptions: set[Subscription] = set()
        self._by_aggregate: dict[str, set[Subscription]] = {}
        self._backlog = TenantBacklog(log, frame_of)
        self._channels: dict[str, TenantChannel] = {}
        """By tenant."""

        self._reader: asyncio.Task[None] | None = None
        self._position: int | None = None
        """Of the last event that was handed out; None until the reader has begun."""

    @property
    def run_streams(self) -> int:
        """How many clients follow a run."""
        followed = (subscription.topic.progress_of for subscription in self._subscriptions)
        return sum(run_id is not None for run_id in followed)

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

    @contextmanager
    def follow_tenant(self, tenant: str, *, after: int) -> Iterator[TenantSubscription]:
        """Subscribe to all that happens to a tenant beyond position *after*."""
        channel = self._channels.get(tenant)
        if channel is None:
            channel = TenantChannel(tenant, self._backlog, lambda: self._position)
            self._channels[tenant] = channel
        subscription = TenantSubscription(channel, after)
        channel.clients.add(subscription)
        self._begin(subscription)
        try:
            yield subscription
        finally:
            channel.clients.discard(subscription)
            self._end_later()

    def close(self) -> None:
        """End all streams, now and from now on; clients resume elsewhere."""
        self.closed = True
        for client in self._clients():
            client.close()

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
            await self._backlog.close()

    def _clients(self) -> Iterator[LiveClient]:
        yield from self._subscriptions
        for channel in self._channels.values():
            yield from channel.clients

    def _add(self, subscription: Subscription) -> None:
        self._subscriptions.add(subscription)
        for name in subscription.topic.aggregates:
            self._by_aggregate.setdefault(name, set()).add(subscription)
        self._progress.add(subscription)
        self._begin(subscription)
        if self._position is not None:
            subscription.miss(self._position)

    def _begin(self, client: LiveClient) -> None:
        """Begin to read, if the client is the first; end its stream, if the process stops."""
        if self.closed:
            client.close()
        elif self._reader is None:
            self._reader = asyncio.create_task(self._read())
            self._reader.add_done_callback(self._on_end)

    def _remove(self, subscription: Subscription) -> None:
        subscription.stop()
        self._subscriptions.discard(subscription)
        for name in subscription.topic.aggregates:
            followers = self._by_aggregate[name]
            followers.discard(subscription)
            if not followers:
                del self._by_aggregate[name]
        self._progress.remove(subscription)
        self._end_later()

    def _end_later(self) -> None:
        asyncio.get_running_loop().call_later(LINGER, self._stop_what_is_idle)

    def _stop_what_is_idle(self) -> None:
        for tenant in [tenant for tenant, c in self._channels.items() if not c.clients]:
            del self._channels[tenant]
        if not any(True for _ in self._clients()) and self._reader is not None:
            self._reader.cancel()
            self._reader = self._position = None

    def _on_end(self, reader: asyncio.Task[None]) -> None:
        """End all streams when the reader breaks: clients resume, and a new one begins."""
        if reader.cancelled() or reader is not self._reader:
            return
        log.error("broadcaster.broken", exc_info=reader.exception())
        self._reader = self._position = None
        for client in self._clients():
            client.close()
        # What they held ends where the reader broke.
        self._channels.clear()

    async def _read(self) -> None:
        head = await self._head()
        clients = (client for channel in self._channels.values() for client in channel.clients)
        position = self._position = begin_near(head, (client.position for client in clients))
        for subscription in self._subscriptions:
            subscription.miss(position)
        for channel in self._channels.values():
            channel.begin(position)
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
                    followers = self._by_aggregate.get(entry.aggregate, ())
                    if isinstance(entry, Unreadable):
                        _skip(followers)
                    else:
                        self._publish(entry, followers, self._channels.get(entry.meta.tenant))
                    self._notice(entry.aggregate)
                    self._position = entry.position

    def _publish(
        self,
        recorded: AnyRecorded,
        followers: Collection[Subscription],
        channel: TenantChannel | None,
    ) -> None:
        if not followers and channel is None:
            return
        frame = self.frame_of(recorded)
        for subscription in followers:
            if not (subscription.closed or subscription.offer(frame)):
                self._too_slow()
        if channel is not None:
            channel.publish(recorded, frame.data)

    async def _beat(self) -> None:
        # One timer for all, and a share of them each second, so that they do not all beat at once.
        second = 0
        while True:
            await asyncio.sleep(1)
            second += 1
            for client in self._clients():
                if hash(client) % HEARTBEAT == second % HEARTBEAT:
                    client.beat()


def _skip(followers: Collection[Subscription]) -> None:
    """End the streams of a run with an event that cannot be read: who comes back is told why.

    Most of a batch or of a tenant's events is better than none of them.
    """
    for subscription in followers:
        if not subscription.topic.patient:
            subscription.close()
