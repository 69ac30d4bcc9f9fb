"""Many clients in a process of their own, so that what they cost is not the server's cost.

python -m tests.bench.load reads a Load from its input and writes what it Measured.
"""

import asyncio
import sys
import time
from subprocess import PIPE
from typing import cast

import msgspec
import uvloop
from msgspec import Struct
from typing_extensions import override

from tests.bench.numbers import Measured, summary
from tests.bench.wire import answer_in

WARM_UP = 0.3
"""Seconds before anything counts."""


class Load(Struct, frozen=True, kw_only=True):
    """What the clients do: each sends the next of the requests as soon as it has its answer."""

    port: int
    requests: list[bytes]
    clients: int
    seconds: float


async def measure(load: Load) -> Measured:
    """Run *load* in another process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __spec__.name, stdin=PIPE, stdout=PIPE
    )
    output, _ = await process.communicate(msgspec.json.encode(load))
    measured = msgspec.json.decode(output, type=Measured)
    if measured.errors:
        raise RuntimeError(f"{measured.errors} answers were errors")
    return measured


class _Tally:
    def __init__(self, load: Load) -> None:
        self.requests = load.requests
        self.counts_from = time.perf_counter() + WARM_UP
        self.ends_at = self.counts_from + load.seconds
        self.times: list[float] = []
        self.errors = 0
        self._sent = 0

    def next(self) -> bytes:
        self._sent += 1
        return self.requests[self._sent % len(self.requests)]

    def note(self, began: float, now: float, status: int) -> None:
        if status >= 400:
            self.errors += 1
        if now >= self.counts_from:
            self.times.append(now - began)

    def is_over(self, now: float) -> bool:
        return now >= self.ends_at and bool(self.times)


class _Client(asyncio.Protocol):
    def __init__(self, tally: _Tally) -> None:
        self._tally = tally
        self._received = bytearray()
        self.done = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = answer_in(self._received)
        if answer is None:
            return
        del self._received[: answer.size]
        now = time.perf_counter()
        self._tally.note(self._began, now, answer.status)
        if self._tally.is_over(now):
            self._transport.close()
        else:
            self._send()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set_result(None)

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._tally.next())


async def _run(load: Load) -> Measured:
    tally = _Tally(load)
    loop = asyncio.get_running_loop()
    connections = [
        await loop.create_connection(lambda: _Client(tally), "127.0.0.1", load.port)
        for _ in range(load.clients)
    ]
    await asyncio.gather(*(client.done for _, client in connections))
    return summary(tally.times, load.seconds, errors=tally.errors)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_run(msgspec.json.decode(sys.stdin.buffer.read(), type=Load)))
    sys.stdout.buffer.write(msgspec.json.encode(result))
