"""One client of a stream, as the broadcaster knows it: woken for news, heartbeats and the end."""

import asyncio
from contextlib import suppress


class LiveClient:
    """Waits until there is something to do for a client."""

    def __init__(self) -> None:
        self.closed = False
        self._beat = False
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Have the client look for what is new."""
        self._news.set()

    def beat(self) -> None:
        """Queue a heartbeat."""
        self._beat = True
        self._news.set()

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        self._news.set()

    async def _woken(self, seconds: float | None = None) -> bool:
        """Wait for news, at most so many *seconds*; return whether a heartbeat is due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        if not self.closed:
            self._news.clear()
        beat, self._beat = self._beat, False
        return beat
