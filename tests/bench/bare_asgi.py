"""The ceiling of every HTTP number: an ASGI app without a framework, on the same server.

python -m tests.bench.bare_asgi PORT. POST /answer sets the bytes that GET / answers; POST /events
sends its body to everyone who listens on GET /events, and an empty body ends their streams.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Queue = asyncio.Queue[bytes]

JSON = [(b"content-type", b"application/json")]
EVENTS = [(b"content-type", b"text/event-stream")]
HELLO = b": hello\n\n"


class Bare:
    """The app."""

    def __init__(self) -> None:
        self._answer = b"{}"
        self._listeners: set[Queue] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            await self._take(scope["path"], await _body(receive))
        if scope["method"] == "GET" and scope["path"] == "/events":
            await self._stream(send)
        else:
            await _answer(send, self._answer)

    async def _take(self, path: str, body: bytes) -> None:
        if path == "/answer":
            self._answer = body
            return
        for listener in self._listeners:
            listener.put_nowait(body)

    async def _stream(self, send: Send) -> None:
        queue: Queue = asyncio.Queue()
        self._listeners.add(queue)
        await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
        data = HELLO
        while data:
            await send({"type": "http.response.body", "body": data, "more_body": True})
            data = await queue.get()
        self._listeners.discard(queue)
        await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _answer(send: Send, body: bytes) -> None:
    headers = [*JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        Bare(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        lifespan="off",
    )
