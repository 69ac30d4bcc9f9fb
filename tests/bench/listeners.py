"""Many followers of one stream in a process of their own.

python -m tests.bench.listeners reads an Audience from its input, says "ready" once every follower
hears something, and writes what they Heard when all streams have ended.
"""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from subprocess import PIPE
from typing import cast

import msgspec
import uvloop
from msgspec import Struct
from typing_extensions import override

READY = b"ready\n"
TOGETHER = 100
"""Followers that connect at the same time."""

_EVENT = re.compile(rb"^id: *(\d+)\r?\n", re.MULTILINE)


class Audience(Struct, frozen=True, kw_only=True):
    """Who follows what."""

    port: int
    request: bytes
    clients: int


class Heard(Struct, frozen=True, kw_only=True):
    """What the followers heard."""

    times: dict[int, list[float]]
    """By id of the event: when each of those who heard it did, on the system's monotonic clock."""


class Listening:
    """The followers while they follow."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def heard(self) -> Heard:
        """Wait until all streams have ended."""
        assert self._process.stdout is not None  # it is a pipe
        return msgspec.json.decode(await self._process.stdout.read(), type=Heard)


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
    def __init__(self, request: bytes, times: dict[int, list[float]]) -> None:
        self._request = request
        self._times = times
        self._rest = b""
        self._last = 0
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        cast("asyncio.Transport", transport).write(self._request)

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
        if not self.begun.done() and b"\n\n" in data:
            self.begun.set_result(None)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)


def _itself(follower: _Follower) -> _Follower:
    return follower


async def _follow(audience: Audience) -> Heard:
    times: dict[int, list[float]] = {}
    followers: list[_Follower] = []
    loop = asyncio.get_running_loop()
    while len(followers) < audience.clients:
        wave = [
            _Follower(audience.request, times)
            for _ in range(min(TOGETHER, audience.clients - len(followers)))
        ]
        for follower in wave:
            await loop.create_connection(partial(_itself, follower), "127.0.0.1", audience.port)
        await asyncio.gather(*(follower.begun for follower in wave))
        followers += wave
    times.clear()  # what was before does not count
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    await asyncio.gather(*(follower.ended for follower in followers))
    return Heard(times=times)


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.readline(), type=Audience)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        heard = runner.run(_follow(wanted))
    sys.stdout.buffer.write(msgspec.json.encode(heard))
