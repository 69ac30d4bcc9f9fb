"""Requests as bytes, and a keep-alive connection that costs next to nothing: measuring tools."""

import asyncio
import re
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from msgspec import Struct

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


def request(
    method: str,
    path: str,
    *,
    token: str = "",
    body: bytes | None = None,
    headers: Sequence[str] = (),
    host: str = "bench",
) -> bytes:
    """Build a request; without a header that says otherwise, for a keep-alive connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + _HEAD_END + (body or b"")


class Answer(Struct, frozen=True, kw_only=True):
    """A complete answer."""

    status: int
    body: bytes
    size: int
    """Bytes of it, head included."""


def answer_in(received: bytes | bytearray) -> Answer | None:
    """Return the answer at the start of *received*, None while a part of it is missing."""
    end = received.find(_HEAD_END)
    if end < 0:
        return None
    found = _LENGTH.search(received, 0, end)
    start = end + len(_HEAD_END)
    size = start + (int(found[1]) if found else 0)
    if len(received) < size:
        return None
    return Answer(status=int(received[9:12]), body=bytes(received[start:size]), size=size)


class Connection:
    """One keep-alive connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def ask(self, message: bytes) -> Answer:
        """Send a request and wait for its answer, which must have a length."""
        self._writer.write(message)
        received = b""
        while (answer := answer_in(received)) is None:
            received += await self._more()
        return answer

    async def listen(self, message: bytes, until: bytes) -> None:
        """Send a request and read its endless answer until *until* is in it."""
        self._writer.write(message)
        received = b""
        while until not in received:
            received += await self._more()

    async def _more(self) -> bytes:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data
