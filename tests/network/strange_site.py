"""A web site that behaves in every way a stranger's may, and names that lead where one likes."""

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from tests.network.one_answer import broken_off

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PICTURE = b"\x89PNG" + bytes(range(256)) * 1000


class StaticResolver(AbstractResolver):
    """Answers each question for a name with the next of its answers, the last for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        answers = self._answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    @override
    async def close(self) -> None:
        pass


class Site:
    """A web site on a free port of this machine."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[web.Request] = []

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def picture(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=PICTURE, content_type="image/png")

    async def redirect(self, request: web.Request) -> web.StreamResponse:
        left = int(request.match_info["left"])
        status = int(request.query.get("status", "302"))
        target = f"/redirect/{left - 1}?status={status}" if left > 1 else "/picture"
        return web.Response(status=status, headers={"Location": target})

    async def away(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def nowhere(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=302)

    async def endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(bytes(65536))

    async def silent(self, _: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def zipped(self, _: web.Request) -> web.StreamResponse:
        body = zlib.compress(bytes(1_000_000))
        return web.Response(body=body, headers={"Content-Encoding": "deflate"})

    async def broken(self, request: web.Request) -> web.StreamResponse:
        return await broken_off(request)

    @web.middleware
    async def remember(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked.append(request)
        return await handler(request)


@asynccontextmanager
async def running_site() -> AsyncIterator[Site]:
    """Run the site."""
    site = Site()
    app = web.Application(middlewares=[site.remember])
    app.router.add_get("/picture", site.picture)
    app.router.add_get("/redirect/{left}", site.redirect)
    for handler in (site.away, site.nowhere, site.endless, site.silent, site.zipped, site.broken):
        app.router.add_get(f"/{handler.__name__}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()
