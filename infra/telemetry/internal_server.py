"""The internal HTTP listener of each process: liveness, readiness, metrics.

It asks for no credential, so it has an address of its own, which no proxy leads to.
"""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec import Struct

from infra.net.listening import Listener, listen
from infra.telemetry.exposition import Scrape

LISTENER = Listener(host="COMFYD_INTERNAL_HOST", port="COMFYD_INTERNAL_PORT")
"""The settings that say where it listens."""


class Health(Struct, frozen=True, kw_only=True):
    """The answer to a probe: 200 if *ok*, else 503, and the state of each part."""

    ok: bool
    parts: Mapping[str, str] = {}


Probe = Callable[[], Awaitable[Health]]


def listen_internally(host: str, port: int) -> list[socket.socket]:
    """Open the sockets of the internal listener; none when *port* is 0.

    Raises:
        CannotListen: the address is taken or is none of this computer.

    """
    return listen(host, port, settings=LISTENER) if port else []


@asynccontextmanager
async def internal_server(
    sockets: Sequence[socket.socket], *, live: Probe, ready: Probe, scrape: Scrape
) -> AsyncIterator[None]:
    """Answer on *sockets* while the context lasts."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/health/live", _answer(live, otherwise="not live")),
            web.get("/health/ready", _answer(ready, otherwise="not ready")),
            web.get("/metrics", _show(scrape)),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        for opened in sockets:
            await web.SockSite(runner, opened).start()
        yield
    finally:
        await runner.cleanup()


def _answer(
    probe: Probe, *, otherwise: str
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_: web.Request) -> web.StreamResponse:
        health = await probe()
        status = "ok" if health.ok else otherwise
        return web.json_response(
            {"status": status, **health.parts}, status=200 if health.ok else 503
        )

    return handle


def _show(scrape: Scrape) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        page = await scrape(request.headers.get("Accept", ""))
        return web.Response(body=page.body, headers={"Content-Type": page.content_type})

    return handle
