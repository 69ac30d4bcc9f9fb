"""Progress of followed runs: one listener for each run, however many clients follow it.

Progress is a hint: it may be lost, and newer progress replaces older.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

from app.live.frames import progress_message
from app.live.subscription import Subscription
from infra.event_store import LogUnavailable
from infra.jetstream.live import OnProgress, Stop

LINGER = 1.0
"""Seconds a listener stays after its last client: the next one often comes at once."""


class Progress(Protocol):
    """Where progress is heard (infra/jetstream/live.py)."""

    async def listen(self, run_id: UUID, on_progress: OnProgress) -> Stop:
        """Call *on_progress* for all progress of a run; return what stops that."""
        ...


class ProgressChannels:
    """Hands progress to the subscriptions that want it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._channels: dict[UUID, _Channel] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, subscription: Subscription) -> None:
        """Listen to the run that a subscription follows, if it follows one."""
        if (run_id := subscription.topic.progress_of) is not None:
            channel = self._channels.setdefault(run_id, _Channel())
            channel.subscriptions.add(subscription)
            self._start(self._open(run_id, channel))

    def remove(self, subscription: Subscription) -> None:
        """Stop handing progress to a subscription. Not async: its client has gone."""
        if (run_id := subscription.topic.progress_of) is not None:
            channel = self._channels[run_id]
            channel.subscriptions.discard(subscription)
            if not channel.subscriptions:
                self._start(self._close(run_id, channel))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, run_id: UUID, channel: "_Channel") -> None:
        async with channel.changing:
            if channel.stop is None:
                with suppress(LogUnavailable):
                    channel.stop = await self._progress.listen(run_id, channel.hear)

    async def _close(self, run_id: UUID, channel: "_Channel") -> None:
        await asyncio.sleep(LINGER)
        async with channel.changing:
            if channel.subscriptions or self._channels.get(run_id) is not channel:
                return
            del self._channels[run_id]
            if channel.stop is not None:
                await channel.stop()


class _Channel:
    """The listener of one run, and who wants to know."""

    def __init__(self) -> None:
        self.subscriptions: set[Subscription] = set()
        self.changing = asyncio.Lock()
        self.stop: Stop | None = None

    def hear(self, data: bytes) -> None:
        encoded = progress_message(data)
        for subscription in self.subscriptions:
            subscription.offer_progress(encoded)
