"""Response that streams a stored file, at the speed of its client and in little memory."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send
from typing_extensions import override

from app.http.http_limits import ABORT
from events.errors import NotFound
from infra.s3.port import ObjectMissing, StorageRefused, StorageUnavailable
from infra.s3.reading import Reader

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds a client may take for a piece before the connection to storage is given back."""

STALLED = 60.0
"""Seconds without taking anything after which a client is disconnected; it can ask for the rest."""


class FileResponse(Response[None]):
    """A part of a stored file, or all of it."""

    def __init__(
        self,
        reader: AbstractAsyncContextManager[Reader],
        *,
        status_code: int,
        headers: Mapping[str, str],
    ) -> None:
        """Answer with what *reader* yields; to a HEAD request only with the *headers*."""
        super().__init__(None, status_code=status_code, headers=headers)
        self._reader = reader

    @override
    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Return the response that streams."""
        return _Transfer(self._reader, status_code=self.status_code or 200, headers=self.headers)


class _Transfer(ASGIResponse):
    def __init__(
        self,
        reader: AbstractAsyncContextManager[Reader],
        *,
        status_code: int,
        headers: dict[str, Any],
    ) -> None:
        super().__init__(
            status_code=status_code, headers=headers, media_type=headers["Content-Type"]
        )
        self._reader = reader

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the file, then answer: what cannot be opened is refused as anything else is."""
        async with AsyncExitStack() as exits:
            try:
                reader = await exits.enter_async_context(self._reader)
            except ObjectMissing as error:
                raise NotFound("there is no file with this address") from error
            gone = asyncio.create_task(_wait_until_gone(receive))
            exits.callback(gone.cancel)
            try:
                await self.start_response(send)
                if scope.get("method") != "HEAD":
                    await _send_all(reader, send, gone)
                await send(_body(b""))
            except (TimeoutError, StorageUnavailable, StorageRefused, ObjectMissing) as error:
                log.warning("file.broken_off", extra={"reason": str(error) or "client stalled"})
                await _disconnect(scope, gone)


async def _send_all(reader: Reader, send: Send, gone: asyncio.Task[None]) -> None:
    while not gone.done() and (piece := await reader.next()):
        message = _body(piece, more=True)
        try:
            async with asyncio.timeout(PATIENCE):
                await send(message)
        except TimeoutError:
            # The server waits first, and writes then: nothing of the piece has been sent.
            await reader.release()
            async with asyncio.timeout(STALLED - PATIENCE):
                await send(message)


def _body(piece: bytes, *, more: bool = False) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _disconnect(scope: Scope, gone: asyncio.Task[None]) -> None:
    """End the connection in the middle: a length was promised that cannot be kept."""
    if extension := (scope.get("extensions") or {}).get(ABORT):
        extension[ABORT]()  # type: ignore[operator]  # ASGI's types know data only
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await gone
