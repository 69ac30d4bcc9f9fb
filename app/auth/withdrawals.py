"""Ends streams when their readers' credentials are withdrawn, also those in which nothing happens.

The one reader of the log names each key, token, session and organisation to which something
happens; the streams that depend on it are checked at once. So a silent stream needs no timer.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator
from contextlib import aclosing, contextmanager

from app.auth.caller import Caller
from app.auth.credentials import Credentials
from events.aggregates import DECIDERS
from events.subjects import identifier_of, kind_of
from infra.event_store import LogUnavailable

SETTLED = 1.0
"""Seconds after which a stream is checked that has just begun.

It began with a state that may have been half a second old, and maybe before there was a reader.
"""


class Withdrawals:
    """All streams of this process, by what they depend on."""

    def __init__(self, credentials: Credentials, *, settled: float = SETTLED) -> None:
        self._credentials = credentials
        self._settled = settled
        self._streams: dict[str, set[GuardedStream]] = {}
        """By the names of the aggregates that may withdraw their readers' access."""

        self._unsettled: set[GuardedStream] = set()
        self._checks: set[asyncio.Task[None]] = set()

    async def while_authorised(
        self, caller: Caller, chunks: AsyncGenerator[bytes, None]
    ) -> AsyncIterator[bytes]:
        """Pass a stream on until its reader's credential or membership is withdrawn.

        The check comes before each chunk as well, so nothing is sent after the withdrawal is known.
        """
        async with aclosing(chunks) as pieces:
            with self._guarded(caller) as stream:
                while (chunk := await stream.next(pieces)) is not None:
                    await self._check(stream)
                    if stream.ended:
                        return
                    yield chunk

    def notice(self, aggregate: str) -> None:
        """Check the streams that depend on an aggregate to which something has happened."""
        if streams := self._streams.get(aggregate):
            decider = DECIDERS[kind_of(aggregate)]
            self._credentials.states.forget(decider, identifier_of(aggregate))
            self._check_soon(tuple(streams))

    @contextmanager
    def _guarded(self, caller: Caller) -> Iterator["GuardedStream"]:
        stream = GuardedStream(caller)
        names = self._credentials.depends_on(caller)
        for name in names:
            self._streams.setdefault(name, set()).add(stream)
        self._settle_later(stream)
        try:
            yield stream
        finally:
            self._unsettled.discard(stream)
            for name in names:
                self._streams[name].discard(stream)
                if not self._streams[name]:
                    del self._streams[name]

    def _settle_later(self, stream: "GuardedStream") -> None:
        if not self._unsettled:
            # One timer for all that begin meanwhile.
            asyncio.get_running_loop().call_later(self._settled, self._settle)
        self._unsettled.add(stream)

    def _settle(self) -> None:
        settled, self._unsettled = self._unsettled, set()
        self._check_soon(tuple(settled))

    def _check_soon(self, streams: Collection["GuardedStream"]) -> None:
        if streams:
            check = asyncio.create_task(self._check_all(streams))
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    async def _check_all(self, streams: Collection["GuardedStream"]) -> None:
        for stream in streams:
            await self._check(stream)
            # Thousands may depend on one organisation: others have their turn between them.
            await asyncio.sleep(0)

    async def _check(self, stream: "GuardedStream") -> None:
        try:
            if await self._credentials.withdrawn(stream.caller):
                stream.end()
        except LogUnavailable:
            # A stream outlives an outage of the log, and is checked after it.
            self._settle_later(stream)


class GuardedStream:
    """One stream, and who reads it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.ended = False
        self._waiting: asyncio.Timeout | None = None

    async def next(self, chunks: AsyncGenerator[bytes, None]) -> bytes | None:
        """Wait for a chunk; return None at the end of the stream, which may be ours."""
        if self.ended:
            return None
        # No time is set: it is the way to interrupt one wait without a task for each chunk.
        self._waiting = waiting = asyncio.timeout(None)
        try:
            async with waiting:
                return await anext(chunks, None)
        except TimeoutError:
            if not waiting.expired():
                raise
            return None
        finally:
            self._waiting = None

    def end(self) -> None:
        """End the stream, also while it waits."""
        self.ended = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())
