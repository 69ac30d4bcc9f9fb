"""One client's place in the log: what it has received, and what comes next.

Events come from the broadcaster as they happen. Where a subscription has missed some (before it
began, or because its client reads slowly), it reads the log up to what it has heard of. So nothing
is left out and nothing comes twice, and a client costs a bounded amount of memory.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from uuid import UUID

from msgspec import Struct

from app.live.client import LiveClient
from app.live.frames import Frame, FrameOf
from events.envelope import AnyRecorded
from infra.event_store import LogUnavailable
from infra.jetstream.log.reader import LogInterrupted

log = logging.getLogger(__name__)

QUEUED_EVENTS = 64
"""Events that may wait for one client."""

RECONNECT = 0.5
"""Seconds until the log is read again after it did not answer."""

Read = Callable[["Topic", int, int], AsyncGenerator[Sequence[AnyRecorded], None]]
"""Yields all events of a topic beyond a position and up to another (app/live/backlog.py)."""


class Topic(Struct, frozen=True, kw_only=True):
    """What a subscription follows."""

    aggregates: Collection[str]
    """Whose events are wanted, by their names in the log."""

    patient: bool = False
    """Whether a slow client is waited for, rather than disconnected to resume by itself."""

    progress_of: UUID | None = None
    """The run whose progress is wanted, too."""


class Piece(Struct, frozen=True, kw_only=True):
    """What is to be sent to one client now."""

    frames: Sequence[Frame]
    progress: bytes | None
    beat: bool
    """Whether a heartbeat is due."""


class Subscription(LiveClient):
    """One client of one topic."""

    def __init__(self, topic: Topic, after: int, *, frame_of: FrameOf, read: Read) -> None:
        super().__init__()
        self.topic = topic
        self._read = read
        self._frame_of = frame_of
        self._position = after
        """Of the last event that was taken."""

        self._frames: deque[Frame] = deque()
        self._missed = 0
        """Up to where the log has to be read; 0 when nothing was missed."""

        self._reading: asyncio.Task[None] | None = None
        self._parts: asyncio.Queue[Sequence[AnyRecorded]] = asyncio.Queue(maxsize=1)
        self._progress: bytes | None = None

    async def next(self, seconds: float | None = None) -> Piece:
        """Wait for news, at most so many *seconds*; return what there is, in the log's order."""
        beat = await self._woken(seconds)
        piece = Piece(frames=self._take(), progress=self._progress, beat=beat)
        self._progress = None
        return piece

    def offer(self, frame: Frame) -> bool:
        """Queue an event; return False if the stream ends because its client is too slow."""
        if self._missed:
            self._missed = frame.position
        elif len(self._frames) < QUEUED_EVENTS:
            self._frames.append(frame)
        elif self.topic.patient:
            self.miss(frame.position)
        else:
            self.close()
            return False
        self.wake()
        return True

    def offer_progress(self, data: bytes) -> None:
        """Replace older progress."""
        self._progress = data
        self.wake()

    def miss(self, until: int) -> None:
        """Read the log up to that position before anything else is taken."""
        if until > self._position:
            # What was queued is in the log, too.
            self._frames.clear()
            self._missed = max(self._missed, until)
            self.wake()

    def stop(self) -> None:
        """Stop reading. Not async: a stream whose client has gone cannot wait any more."""
        if self._reading is not None:
            self._reading.cancel()

    def _take(self) -> list[Frame]:
        if self._missed and self._reading is None:
            self._reading = asyncio.create_task(self._catch_up(self._position, self._missed))
            self._reading.add_done_callback(lambda _: self.wake())
            self._missed = 0
        if self._reading is None:
            frames = list(self._frames)
            self._frames.clear()
        else:
            frames = [self._frame_of(recorded) for recorded in self._take_part(self._reading)]
        fresh = [frame for frame in frames if frame.position > self._position]
        if fresh:
            self._position = fresh[-1].position
        return fresh

    def _take_part(self, reading: asyncio.Task[None]) -> Sequence[AnyRecorded]:
        part = () if self._parts.empty() else self._parts.get_nowait()
        if reading.done() and self._parts.empty():
            self._reading = None
            if not reading.cancelled():
                reading.result()
            # For what was offered meanwhile.
            self.wake()
        return part

    async def _catch_up(self, after: int, until: int) -> None:
        # A task of its own: when the client goes, it still has the time to let a consumer go.
        while True:
            try:
                async with aclosing(self._read(self.topic, after, until)) as parts:
                    async for part in parts:
                        await self._parts.put(part)
                        self.wake()
                        after = part[-1].position
            except (LogUnavailable, LogInterrupted) as error:
                log.info("stream.catch_up_postponed", extra={"error": str(error)})
                await asyncio.sleep(RECONNECT)
            else:
                return
