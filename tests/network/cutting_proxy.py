"""A proxy in front of the API that cuts streams, ends them early, or answers 502 in its place."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum

from aiohttp import ClientResponse, ClientSession, web

from tests.observe.browser import serving

HEADERS = ("Last-Event-ID", "If-None-Match", "Origin", "Access-Control-Request-Method")
HOP_BY_HOP = {"transfer-encoding", "connection", "content-length", "date"}


class Fault(StrEnum):
    """What becomes of one request."""

    NONE = "none"
    BAD_GATEWAY = "502"
    CUT = "cut"
    """The connection breaks after the first message."""

    END = "end"
    """The answer ends, as if it were whole, after what came first."""

    CUT_BEFORE_DONE = "cut before done"


class CuttingProxy:
    """Passes on what it is asked; the nth request of those that count suffers the nth fault."""

    def __init__(self, upstream: str, suffix: str, faults: Sequence[Fault]) -> None:
        self.url = ""
        self.statuses: list[int] = []
        """Of the requests that count: those whose path ends with the suffix."""

        self.last_event_ids: list[str] = []
        self.at_last_fault = asyncio.Event()
        self._upstream = upstream
        self._suffix = suffix
        self._faults = list(faults)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        counts = request.path.endswith(self._suffix) and request.method == "GET"
        fault = self._faults.pop(0) if counts and self._faults else Fault.NONE
        if counts and not self._faults:
            self.at_last_fault.set()
        if fault is Fault.BAD_GATEWAY:
            self.statuses.append(502)
            return web.Response(status=502, text="Bad Gateway")
        headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
        async with (
            ClientSession() as session,
            session.request(
                request.method, self._upstream + request.path_qs, headers=headers
            ) as answer,
        ):
            if counts:
                self.statuses.append(answer.status)
                self.last_event_ids.append(request.headers.get("Last-Event-ID", ""))
            return await _pass_on(request, answer, fault)


async def _pass_on(
    request: web.Request, answer: ClientResponse, fault: Fault
) -> web.StreamResponse:
    kept = {n: v for n, v in answer.headers.items() if n.lower() not in HOP_BY_HOP}
    response = web.StreamResponse(status=answer.status, headers=kept)
    await response.prepare(request)
    whole = b""
    async for chunk in answer.content.iter_any():
        whole += chunk
        if fault is Fault.CUT_BEFORE_DONE and b"event: done" in whole:
            await response.write(chunk.partition(b"event: done")[0])
            return _broken(request, response)
        await response.write(chunk)
        if fault is Fault.END:
            break
        if fault is Fault.CUT and b"\n\n" in whole:
            return _broken(request, response)
    return response


def _broken(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return response


@asynccontextmanager
async def cutting_proxy(
    upstream: str, *, suffix: str = "/events", faults: Sequence[Fault] = ()
) -> AsyncIterator[CuttingProxy]:
    """Run a proxy; give it."""
    proxy = CuttingProxy(upstream, suffix, faults)
    async with serving(proxy.answer) as proxy.url:
        yield proxy
