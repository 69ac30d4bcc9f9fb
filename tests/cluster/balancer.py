"""A load balancer before two APIs, as a client sees one."""

from collections.abc import Sequence

import httpx
from typing_extensions import override


class Balancer(httpx.AsyncBaseTransport):
    """Round-robin transport: each request goes to the next API; one that is down is passed over."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = [httpx.URL(url) for url in urls]
        self._next = 0
        self._transport = httpx.AsyncHTTPTransport()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in self._urls:
            target = self._urls[self._next % len(self._urls)]
            self._next += 1
            request.url = request.url.copy_with(host=target.host, port=target.port)
            try:
                return await self._transport.handle_async_request(request)
            except httpx.ConnectError:
                continue
        raise httpx.ConnectError("no API is there", request=request)

    @override
    async def aclose(self) -> None:
        await self._transport.aclose()
