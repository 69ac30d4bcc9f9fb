"""One listener for each followed run, however many clients follow it.

An event is turned into bytes once, for all. Each client has a short queue of its own: progress is
overwritten by newer progress; when events pile up the stream ends, and the client resumes from the
last id it saw. So a slow client costs a bounded amount of memory and holds up nobody.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from msgspec import Struct

from events.envelope import AnyRecorded
from infra.jetstream.connection import UNANSWERED
from infra.jetstream.live import Live, Stop

QUEUED_EVENTS = 64
"""Events that may wait for one client."""

LINGER = 1.0
"""Seconds a listener stays after its last client: the next one often comes at once."""

WATCH_EVERY = 0.5
"""Seconds between looks whether the connection was lost."""

HEARTBEAT = 15
"""Seconds between two signs of life, which keep the connection open through proxies."""


class Frame(Struct, frozen=True, kw_only=True):
    """An event as clients receive it."""

    position: int
    previous: int
    """Position of the event before it: a client that has not seen that one has a gap."""

    data: bytes
    ends: bool


class Taken(Struct, frozen=True, kw_only=True):
    """What is to be sent to one client now."""

    events: list[Frame]
    progress: bytes | None
    beat: bool


class Follower:
    """One client of one run."""

    __slots__ = ("_beat", "_events", "_news", "_progress", "closed", "missed")

    def __init__(self) -> None:
        self._events: deque[Frame] = deque()
        self._progress: bytes | None = None
        self._beat = False
        self._news = asyncio.Event()
        self.closed = False
        self.missed = False
        """Whether copies were lost, so that the log has to be asked."""

    def offer(self, frame: Frame) -> bool:
        """Queue an event, or end the stream if the client is too slow; return which."""
        if len(self._events) >= QUEUED_EVENTS:
            self.close()
            return False
        self._events.append(frame)
        self._news.set()
        return True

    def offer_progress(self, data: bytes) -> None:
        """Put progress in the place of older progress."""
        self._progress = data
        self._news.set()

    def resync(self) -> None:
        """Tell that copies were lost."""
        self.missed = True
        self._news.set()

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        self._news.set()

    def beat(self) -> None:
        """Have a sign of life sent."""
        self._beat = True
        self._news.set()

    async def wait(self) -> None:
        """Wait until there is something to send."""
        await self._news.wait()

    def take(self) -> Taken:
        """Take all there is to send."""
        taken = Taken(events=list(self._events), progress=self._progress, beat=self._beat)
        self._events.clear()
        self._progress, self._beat = None, False
        if not self.closed:
            self._news.clear()
        return taken


class _Channel:
    """The listener of one run and its followers."""

    def __init__(self) -> None:
        self.followers: set[Follower] = set()
        self.opened = asyncio.Lock()
        self.stop: Stop | None = None


class Hub:
    """All runs that this process follows."""

    def __init__(
        self,
        live: Live,
        *,
        frame_of: Callable[[AnyRecorded, int], Frame],
        progress_of: Callable[[bytes], bytes],
        too_slow: Callable[[], None] = lambda: None,
    ) -> None:
        """Follow by *live*; the next two turn what is heard into what clients receive.

        *too_slow* is told when a stream is ended because its client does not read.
        """
        self._live = live
        self._frame_of = frame_of
        self._progress_of = progress_of
        self._too_slow = too_slow
        self._channels: dict[str, _Channel] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.closed = False

    @property
    def followers(self) -> int:
        """How many clients follow."""
        return sum(len(channel.followers) for channel in self._channels.values())

    async def join(self, aggregate: str) -> Follower:
        """Follow a run. What is read from the log afterwards has no gap to what is offered."""
        follower = Follower()
        channel = self._channels.setdefault(aggregate, _Channel())
        channel.followers.add(follower)
        try:
            async with channel.opened:
                if channel.stop is None:
                    channel.stop = await self._listen(aggregate, channel)
        except BaseException:
            self.leave(aggregate, follower)
            raise
        if self.closed:
            follower.close()
        return follower

    def leave(self, aggregate: str, follower: Follower) -> None:
        """Stop following. Not async: a stream whose client has gone may not wait any more."""
        channel = self._channels[aggregate]
        channel.followers.discard(follower)
        if not channel.followers:
            task = asyncio.get_running_loop().create_task(self._close(aggregate, channel))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def close(self) -> None:
        """End all streams, now and from now on; clients resume elsewhere."""
        self.closed = True
        for channel in self._channels.values():
            for follower in channel.followers:
                follower.close()

    @asynccontextmanager
    async def attending(self) -> AsyncIterator[None]:
        """Let followers ask the log whenever the connection was lost, and keep theirs open."""
        tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._beat())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def _beat(self) -> None:
        # One timer for all, and a share of them each second, so that they do not all beat at once.
        second = 0
        while True:
            await asyncio.sleep(1)
            second += 1
            for channel in self._channels.values():
                for follower in channel.followers:
                    if hash(follower) % HEARTBEAT == second % HEARTBEAT:
                        follower.beat()

    async def _watch(self) -> None:
        seen = self._live.reconnects
        while True:
            await asyncio.sleep(WATCH_EVERY)
            if self._live.reconnects != seen:
                seen = self._live.reconnects
                for channel in self._channels.values():
                    for follower in channel.followers:
                        follower.resync()

    async def _listen(self, aggregate: str, channel: _Channel) -> Stop:
        def on_event(recorded: AnyRecorded, previous: int) -> None:
            frame = self._frame_of(recorded, previous)
            for follower in channel.followers:
                if not (follower.closed or follower.offer(frame)):
                    self._too_slow()

        def on_progress(data: bytes) -> None:
            encoded = self._progress_of(data)
            for follower in channel.followers:
                follower.offer_progress(encoded)

        return await self._live.listen(aggregate, on_event, on_progress)

    async def _close(self, aggregate: str, channel: _Channel) -> None:
        await asyncio.sleep(LINGER)
        async with channel.opened:
            if channel.followers or self._channels.get(aggregate) is not channel:
                return
            del self._channels[aggregate]
            if channel.stop is not None:
                with suppress(*UNANSWERED):
                    await channel.stop()
