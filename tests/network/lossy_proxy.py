"""A TCP proxy in front of NATS that can lose the server's answers to what a client publishes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536


class LossyProxy:
    """Passes bytes on in both directions; set *deaf* and answers are thrown away."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self.deaf = False
        self.lost = 0
        """Bytes of answers that were thrown away."""

    def hang_up(self) -> None:
        """Cut every connection, as a network would."""
        for writer in self._writers:
            writer.close()

    def say(self, line: bytes) -> None:
        """Send bytes to every client as if the server did."""
        for writer in self._clients:
            writer.write(line)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, back}
        self._clients.add(writer)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pass_on(reader, back, answers=False))
            both.create_task(self._pass_on(there, writer, answers=True))
        self._writers -= {writer, back}
        self._clients.discard(writer)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                if answers and self.deaf:
                    self.lost += len(data)
                    continue
                writer.write(data)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def lossy_proxy(host: str, port: int) -> AsyncIterator[tuple[LossyProxy, int]]:
    """Run a proxy to *host* and *port*; give it and the port where it listens."""
    proxy = LossyProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        proxy.hang_up()
        await server.wait_closed()
