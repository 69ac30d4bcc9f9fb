"""The routes about the machine itself, and those that only a stand-in has."""

import os
import platform
import sys
from typing import Any

import msgspec
from aiohttp import web

from tests.standin.hub import FEATURES
from tests.standin.machine import Machine
from tests.standin.nodes.catalogue import described, described_all
from tests.standin.switches import SwitchesInvalid, switched

VERSION = "0.33.0"
"""The ComfyUI this one behaves like."""


class SystemRoutes:
    """Answers for one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/ws", self._machine.hub.connect),
            web.get("/object_info", self.object_info),
            web.get("/object_info/{name}", self.object_info_of),
            web.get("/system_stats", self.system_stats),
            web.get("/features", self.features),
            web.get("/embeddings", self.embeddings),
            web.post("/free", self.free),
        ]

    def own_routes(self) -> list[web.RouteDef]:
        """List the routes no ComfyUI has."""
        return [
            web.get("/standin/switches", self.switches),
            web.post("/standin/switches", self.switch),
            web.get("/standin/rendered", self.rendered),
        ]

    async def object_info(self, _request: web.Request) -> web.Response:
        """Describe all node classes."""
        return web.json_response(described_all(self._machine.folders))

    async def object_info_of(self, request: web.Request) -> web.Response:
        """Describe one node class."""
        return web.json_response(described(request.match_info["name"], self._machine.folders))

    async def features(self, _request: web.Request) -> web.Response:
        """Return the features of the server."""
        return web.json_response(FEATURES)

    async def embeddings(self, _request: web.Request) -> web.Response:
        """List the embeddings: none."""
        return web.json_response([])

    async def free(self, _request: web.Request) -> web.Response:
        """Free the memory of models; there are none."""
        return web.Response()

    async def system_stats(self, _request: web.Request) -> web.Response:
        """Return the machine's figures."""
        page = os.sysconf("SC_PAGE_SIZE")
        total, free = (page * os.sysconf(n) for n in ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
        system: dict[str, Any] = {
            "os": sys.platform,
            "ram_total": total,
            "ram_free": free,
            "comfyui_version": VERSION,
            "python_version": platform.python_version(),
            "pytorch_version": "0",
            "embedded_python": False,
            "argv": ["standin"],
        }
        device = {
            "name": "cpu",
            "type": "cpu",
            "index": None,
            "vram_total": total,
            "vram_free": free,
            "torch_vram_total": total,
            "torch_vram_free": free,
        }
        return web.json_response({"system": system, "devices": [device]})

    async def switches(self, _request: web.Request) -> web.Response:
        """Show the switches."""
        return web.json_response(msgspec.structs.asdict(self._machine.switches))

    async def switch(self, request: web.Request) -> web.Response:
        """Set the named switches; the others stay as they are."""
        try:
            self._machine.switches = switched(self._machine.switches, await request.json())
        except SwitchesInvalid as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self.switches(request)

    async def rendered(self, _request: web.Request) -> web.Response:
        """Count the executions by prompt id, over all restarts."""
        return web.json_response(self._machine.folders.rendered())
