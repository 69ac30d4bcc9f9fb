"""The HTTP server's own limits: how long a request's head may be, and how slow its sender.

Uvicorn's fast parser takes heads of any size and waits for ever. Who is refused here never gets
to the application, so the answer is plain text.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from app.http.http_1_0 import without_chunks

URL_BYTES = 8192
"""RFC 9110 §4.1 asks for 8000 at least."""

HEAD_BYTES = 32 * 1024
"""Names and values of all headers together; trailers have as much."""

HEADERS = 100

HEAD_WITHIN = 20.0
"""Seconds for the head of a request, from its first byte; for the first, from the connection."""

BODY_WITHIN = 300.0
"""Seconds for a body, from the end of the head."""


ABORT = "comfyd.abort"
"""Extension of the scope: a function that ends the connection without waiting for its client."""

PLAIN_CODES = tuple(
    status.name.lower()
    for status in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    )
)
"""What these refusals are counted as."""


class _Part(Enum):
    """What the client sends just now."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


_PATIENCE = {_Part.HEAD: HEAD_WITHIN, _Part.BODY: BODY_WITHIN}


class _Refused(Exception):
    """Stops the parser."""


class LimitedHttp(HttpToolsProtocol):
    """Uvicorn's protocol with limits; a request in one piece costs a few comparisons."""

    def __init__(
        self, *args: Any, refused: Callable[[str], None] = lambda _code: None, **kwargs: Any
    ) -> None:
        """Limit a connection; *refused* is called with the code of every refusal."""
        super().__init__(*args, **kwargs)
        self._refused = refused
        self._part = _Part.HEAD
        self._timed: _Part | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread = 0
        """Bytes that came since the last head or piece of a body was complete."""

        self._refusal: HTTPStatus | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it as well
        self._time()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._part = _Part.NOTHING
        self._time()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._refusal:
            return
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_BYTES and not self._refusal:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if self._timed is not self._part:
            self._time()

    @override
    def on_message_begin(self) -> None:
        self._part, self._timed = _Part.HEAD, None
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        if len(self.url) > URL_BYTES:
            self._refusal = HTTPStatus.REQUEST_URI_TOO_LONG
        elif len(self.headers) > HEADERS or self._is_head_too_large():
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if self._refusal:
            raise _Refused
        self._part, self._unread = _Part.BODY, 0
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._part, self._unread = _Part.NOTHING, 0
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what the parser does not go on with, for its reasons or ours."""
        self._refuse(self._refusal or HTTPStatus.BAD_REQUEST)

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if cycle.scope["http_version"] < "1.1":
            app = without_chunks(app, cycle)
        cycle.scope["extensions"] = {ABORT: {ABORT: self.transport.abort}}
        super()._start_asgi_task(cycle, app)

    def _is_head_too_large(self) -> bool:
        # A piece that is no longer than a head may be holds none that is.
        return self._unread > HEAD_BYTES and (
            sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES
        )

    def _refuse(self, status: HTTPStatus) -> None:
        self._refusal = status
        self._refused(status.name.lower())
        body = status.phrase.encode()
        lines = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(
            b"%b%bcontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[status], b"".join(lines), len(body), body)
        )
        self.transport.close()

    def _time(self) -> None:
        """Set the deadline of the client to what the part it sends may take."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._timed = self._part
        if seconds := _PATIENCE.get(self._part):
            self._timer = self.loop.call_later(seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        has_asked = self._unread or self._part is _Part.BODY
        if has_asked and not self._is_answering():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and cycle.response_started and not cycle.response_complete
