"""Many followers of one stream in a process of their own.

python -m tests.bench.listeners reads an Audience from its input, says "ready" once every follower
hears something, and writes what they Heard when all streams have ended, or its input has.
"""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from subprocess import PIPE
from typing import cast

import msgspec
import uvloop
from msgspec import Struct
from typing_extensions import override

from tests.bench.wire import Connection

READY = b"ready\n"
TOGETHER = 100
"""Followers that connect at the same time."""

AGAIN = 1.0
"""Seconds between two times that a page reads: the `throttle` of app/pages/templates."""

OK = 200

_EVENT = re.compile(rb"^id: *(\d+)\r?\n", re.MULTILINE)


class Audience(Struct, frozen=True, kw_only=True):
    """Who follows what."""

    port: int
    requests: Sequence[bytes]
    """Each follower sends one of them, in turn."""

    clients: int
    reads: Sequence[bytes] = ()
    """What each asks for, in turn, when its stream says that something has changed; as pages do."""


class Heard(Struct, frozen=True, kw_only=True):
    """What the followers heard."""

    times: dict[int, list[float]]
    """By id of the event: when each of those who heard it did, on the system's monotonic clock."""

    reads: int = 0
    """Answers to what was read again."""


class Listening:
    """The followers while they follow."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def heard(self) -> Heard:
        """Wait until all streams have ended."""
        assert self._process.stdout is not None  # it is a pipe
        return msgspec.json.decode(await self._process.stdout.read(), type=Heard)

    async def end(self) -> Heard:
        """End all streams; return what was heard on them."""
        assert self._process.stdin is not None  # it is a pipe
        self._process.stdin.close()
        return await self.heard()


@asynccontextmanager
async def listening(audience: Audience) -> AsyncIterator[Listening]:
    """Have an audience in another process; all of it listens when the block begins."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "tests.bench.listeners", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None  # both are pipes
    assert process.stdout is not None
    try:
        process.stdin.write(msgspec.json.encode(audience) + b"\n")
        await process.stdin.drain()
        if await process.stdout.readline() != READY:
            raise ConnectionError("not every follower could connect")
        yield Listening(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class _Follower(asyncio.Protocol):
    def __init__(
        self, request: bytes, times: dict[int, list[float]], changed: Callable[[], None]
    ) -> None:
        self._request = request
        self._times = times
        self._changed = changed
        self._rest = b""
        self._last = 0
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        whole, separator, self._rest = (self._rest + data).rpartition(b"\n")
        for found in _EVENT.finditer(whole + separator):
            place = int(found[1])
            # The word that all is done has the id of the last event.
            if place > self._last:
                self._times.setdefault(place, []).append(now)
            self._last = place
        if b"\nevent: changed\n" in whole:
            self._changed()
        if not self.begun.done() and b"\n\n" in data:
            self.begun.set_result(None)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)
        if not self.begun.done():
            self.begun.set_exception(ConnectionError("a follower was refused"))


def _itself(follower: _Follower) -> _Follower:
    return follower


class _Page:
    """What a page does beside its stream: it reads again, at most once in AGAIN."""

    def __init__(self, port: int, message: bytes) -> None:
        self._port = port
        self._message = message
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None
        self.reads = 0

    def changed(self) -> None:
        now = time.monotonic()
        if self._reading is None and now - self._read_at >= AGAIN:
            self._read_at = now
            self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        # A browser's connection is kept alive as well, but may be another each time.
        async with Connection(self._port) as connection:
            answer = await connection.ask(self._message)
        if answer.status != OK:
            raise ConnectionError(f"a page was answered {answer.status}")
        self.reads += 1
        self._reading = None


def _no_page() -> None:
    """Read nothing again."""


async def _follow(audience: Audience) -> Heard:
    times: dict[int, list[float]] = {}
    pages: list[_Page] = []
    followers: list[_Follower] = []
    loop = asyncio.get_running_loop()
    for number in range(audience.clients):
        changed = _no_page
        if audience.reads:
            pages.append(_Page(audience.port, audience.reads[number % len(audience.reads)]))
            changed = pages[-1].changed
        request = audience.requests[number % len(audience.requests)]
        followers.append(_Follower(request, times, changed))
    for first in range(0, audience.clients, TOGETHER):
        wave = followers[first : first + TOGETHER]
        for follower in wave:
            await loop.create_connection(partial(_itself, follower), "127.0.0.1", audience.port)
        await asyncio.gather(*(follower.begun for follower in wave))
    times.clear()  # what was before does not count
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    await asyncio.wait(
        {asyncio.create_task(_all_ended(followers)), asyncio.create_task(_input_ended())},
        return_when=asyncio.FIRST_COMPLETED,
    )
    for follower in followers:
        follower.transport.abort()
    return Heard(times=times, reads=sum(page.reads for page in pages))


async def _all_ended(followers: Sequence[_Follower]) -> None:
    await asyncio.gather(*(follower.ended for follower in followers))


async def _input_ended() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.readline(), type=Audience)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        heard = runner.run(_follow(wanted))
    sys.stdout.buffer.write(msgspec.json.encode(heard))
