"""Serves the official editor and the few routes without which it does not start."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

Json = dict[str, Any]

_UNSTEADY = ["Comfy.DynamicPrompts", "Comfy.SaveImageExtraOutput"]
"""Extensions that put chance or the date into values; comfyd leaves both to a run."""

SETTINGS: Json = {
    "Comfy.Appearance.DisableAnimations": True,
    "Comfy.Extension.Disabled": _UNSTEADY,
    "Comfy.InstalledVersion": "1.49.6",
    "Comfy.Minimap.Visible": False,
    "Comfy.TutorialCompleted": True,
    "Comfy.VueNodes.Enabled": False,
    "Comfy.Workflow.Persist": False,
    "Comfy.Workflow.ShowMissingModelsWarning": False,
    "Comfy.Workflow.ShowMissingNodesWarning": False,
    "LiteGraph.Canvas.MaximumFps": 1,
}

_ANSWERS: Mapping[str, Any] = {
    "/embeddings": [],
    "/experiment/models": [],
    "/extensions": [],
    "/features": {},
    "/global_subgraphs": {},
    "/history": {},
    "/i18n": {},
    "/jobs": {"jobs": [], "pagination": {"offset": 0, "limit": 200, "total": 0, "has_more": False}},
    "/node_replacements": {},
    "/queue": {"queue_running": [], "queue_pending": []},
    "/settings": SETTINGS,
    "/system_stats": {"system": {"comfyui_version": "0.33.0"}, "devices": []},
    "/userdata": [],
    "/users": {"storage": "server", "migrated": True},
    "/workflow_templates": {},
}


class EditorServer:
    """A web server on a free port of this machine, for one editor."""

    def __init__(self, editor: Path, object_info: bytes) -> None:
        self._editor = editor
        self._object_info = object_info
        self._runner: web.AppRunner | None = None
        self.queued: list[Json] = []
        """The prompts that the editor sent, in API format."""

    async def start(self) -> str:
        """Start, and return the URL of the editor."""
        app = web.Application()
        app.router.add_get("/ws", _live)
        app.router.add_get("/api/object_info", self._classes)
        for path, answer in _ANSWERS.items():
            app.router.add_get(f"/api{path}", _always(answer))
        app.router.add_post("/api/upload/{kind}", _uploaded)
        app.router.add_post("/api/prompt", self._queue)
        app.router.add_post("/api/{rest:.*}", _always({}))
        app.router.add_get("/api/{rest:.*}", _missing)
        app.router.add_get("/", self._index)
        app.router.add_static("/", self._editor)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}/"

    async def stop(self) -> None:
        """Stop."""
        if self._runner:
            await self._runner.cleanup()

    async def _index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(self._editor / "index.html")

    async def _classes(self, _: web.Request) -> web.Response:
        return web.Response(body=self._object_info, content_type="application/json")

    async def _queue(self, request: web.Request) -> web.Response:
        self.queued.append((await request.json())["prompt"])
        return web.json_response({"prompt_id": str(uuid4()), "number": 1, "node_errors": {}})


async def _missing(_: web.Request) -> web.Response:
    return web.Response(status=404)


def _always(answer: Any) -> Any:
    async def handle(_: web.Request) -> web.Response:
        return web.json_response(answer)

    return handle


async def _uploaded(_: web.Request) -> web.Response:
    return web.json_response({"name": "uploaded.png", "subfolder": "", "type": "temp"})


async def _live(request: web.Request) -> web.WebSocketResponse:
    """Greet the editor as a server that has nothing to do, and hold the line."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    status = {"exec_info": {"queue_remaining": 0}}
    await socket.send_json({"type": "status", "data": {"status": status, "sid": "editor"}})
    async for _ in socket:
        pass
    return socket
