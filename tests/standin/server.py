"""Serves a stand-in on 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from tests.standin.machine import Machine
from tests.standin.plugin import Plugin, PluginFaults
from tests.standin.routes.file_routes import FileRoutes
from tests.standin.routes.job_routes import JobRoutes
from tests.standin.routes.prompt_routes import PromptRoutes
from tests.standin.routes.system_routes import SystemRoutes
from tests.standin.switches import Switches

HOST = "127.0.0.1"
_LARGEST_BODY = 100 * 1024 * 1024
_GOODBYE = 0.2
"""How long open requests may take when the server stops, in seconds."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A stand-in that is being served."""

    def __init__(self, machine: Machine, port: int) -> None:
        self._machine = machine
        self.port = port
        self.url = f"http://{HOST}:{port}"

    @property
    def switches(self) -> Switches:
        """What is slow or broken; may be set at any time."""
        return self._machine.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._machine.switches = switches

    def rendered(self) -> dict[str, int]:
        """Count the executions by prompt id, over all restarts in this directory."""
        return dict(self._machine.folders.rendered())


@asynccontextmanager
async def serve(
    directory: Path,
    *,
    port: int = 0,
    switches: Switches | None = None,
    token: str = "",
    header: str = "",
    plugin: PluginFaults | None = None,
) -> AsyncIterator[Server]:
    """Serve a stand-in that keeps its files in *directory*; port 0 takes a free one.

    With a *token*, or a *header* such as `X-API-Key: k`, it stands behind a proxy that wants it.
    With *plugin* it has the routes of comfyui-deploy's plugin as well, and calls back.
    Queue and history are empty at the start and gone at the end; files stay.
    """
    machine = Machine(directory, switches or Switches())
    added = Plugin(machine, plugin) if plugin else None
    routes = added.routes() if added else []
    app = application(
        machine, header=header or (token and f"Authorization: Bearer {token}"), added=routes
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE)
    await runner.setup()
    loops = [asyncio.create_task(machine.work()), asyncio.create_task(machine.hub.deliver())]
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield Server(machine, runner.addresses[0][1])
    finally:
        if added:
            await added.close()
        for loop in loops:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
        await runner.cleanup()


def application(
    machine: Machine, *, header: str = "", added: Sequence[web.RouteDef] = ()
) -> web.Application:
    """Build the routes, each with and without /api before it."""
    guards = [_wants(header)] if header else []
    app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[*guards, _same_origin])
    system = SystemRoutes(machine)
    plain = [*PromptRoutes(machine).routes(), *FileRoutes(machine).routes(), *system.routes()]
    both = [*plain, *JobRoutes(machine).routes()]
    app.add_routes([web.route(r.method, f"/api{r.path}", r.handler) for r in both])
    app.add_routes([*both, *system.own_routes(), *added])
    # ComfyUI serves static files at every other path, so that a wrong method answers 405.
    app.router.add_get("/{path:.*}", _not_found)
    return app


async def _not_found(_request: web.Request) -> web.Response:
    return web.Response(status=404)


def _wants(header: str) -> Middleware:
    """Refuse requests that do not carry *header* exactly once."""
    name, _, value = header.partition(": ")

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.getall(name, []) != [value]:
            return web.Response(status=401)
        return await handler(request)

    return check


@web.middleware
async def _same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another site sends to a loopback address."""
    foreign = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if foreign or _origin_differs(request.headers.get("Origin", ""), request.host):
        return web.Response(status=403)
    return web.Response() if request.method == "OPTIONS" else await handler(request)


def _origin_differs(origin: str, host: str) -> bool:
    here, there = urlsplit(f"//{host}"), urlsplit(origin)
    if here.hostname not in _LOOPBACK or there.hostname is None:
        return False
    same_port = None in (here.port, there.port) or here.port == there.port
    return here.hostname != there.hostname or not same_port
