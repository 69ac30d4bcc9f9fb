"""The routes of the demo machine, on 127.0.0.1: what comfyd uses of ComfyUI's."""

import asyncio
import hmac
import os
import platform
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from graphlib import CycleError
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from events.errors import Problem
from events.graph.object_info import check_against
from infra.embedded.demo.machine import Machine, Prompt, order_of
from infra.embedded.demo.nodes import CLASSES, NodeClass, below
from infra.embedded.ports import LOOPBACK

VERSION = "none: the demo machine of comfyd"
_LARGEST_BODY = 100 * 1024 * 1024
_GOODBYE = 0.2
"""How long open requests may take when the server stops, in seconds."""

_TYPES = {
    "graph_without_output": "prompt_no_outputs",
    "node_input_missing": "required_input_missing",
    "node_unknown": "missing_node_type",
}
"""Codes of a Problem to ComfyUI's types of error; every other one is about a value."""


@asynccontextmanager
async def serve(
    folder: Path,
    *,
    token: str,
    port: int = 0,
    step_seconds: float = 0.0,
    classes: Mapping[str, NodeClass] = CLASSES,
) -> AsyncIterator[int]:
    """Serve a machine that keeps its files in *folder*; return its port (0: a free one).

    Requests that do not show *token* are refused.
    """
    for name in ("input", "output"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    machine = Machine(folder, classes, step_seconds=step_seconds)
    app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[_wants(token)])
    app.add_routes(Routes(machine).listed())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE)
    await runner.setup()
    working = asyncio.create_task(machine.work())
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        yield runner.addresses[0][1]
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await runner.cleanup()


def _wants(token: str) -> Middleware:
    wanted = f"Bearer {token}".encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "").encode()
        return await handler(request) if hmac.compare_digest(shown, wanted) else _status(401)

    return check


class Routes:
    """Answers for one machine; the names are those of ComfyUI's routes."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._numbers = count()
        self._infos = {name: c.described(name) for name, c in machine.classes.items()}

    def listed(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post("/prompt", self._prompt),
            web.get("/queue", self._queue),
            web.post("/queue", self._change_queue),
            web.post("/interrupt", self._interrupt),
            web.get("/history", self._history),
            web.get("/history/{prompt_id}", self._history_of),
            web.get("/object_info", self._object_info),
            web.get("/object_info/{name}", self._object_info_of),
            web.get("/system_stats", self._system_stats),
            web.post("/upload/image", self._upload_image),
            web.get("/view", self._view),
            web.get("/ws", self._ws),
        ]

    async def _prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        graph = body["prompt"]
        infos = {n["class_type"]: self._infos.get(n["class_type"]) for n in graph.values()}
        if problems := check_against(graph, infos):
            return web.json_response(_refusal(problems), status=400)
        outputs = [i for i, n in graph.items() if self._infos[n["class_type"]]["output_node"]]
        try:
            order = order_of(graph, outputs)
        except (CycleError, KeyError) as error:
            return web.json_response({"error": str(error), "node_errors": {}}, status=400)
        prompt = Prompt(
            number=next(self._numbers),
            prompt_id=body.get("prompt_id") or str(uuid4()),
            client_id=body.get("client_id", ""),
            graph=graph,
            order=order,
            pnginfo=body.get("extra_data", {}).get("extra_pnginfo", {}),
        )
        self._machine.put(prompt)
        accepted = {"prompt_id": prompt.prompt_id, "number": prompt.number, "node_errors": {}}
        return web.json_response(accepted)

    async def _queue(self, _request: web.Request) -> web.Response:
        running = [self._machine.running.listed()] if self._machine.running else []
        pending = [prompt.listed() for prompt in self._machine.pending.values()]
        return web.json_response({"queue_running": running, "queue_pending": pending})

    async def _change_queue(self, request: web.Request) -> web.Response:
        for prompt_id in (await request.json()).get("delete", ()):
            self._machine.pending.pop(prompt_id, None)
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        self._machine.interrupt(body.get("prompt_id"))
        return web.Response()

    async def _history(self, _request: web.Request) -> web.Response:
        return web.json_response(self._machine.history)

    async def _history_of(self, request: web.Request) -> web.Response:
        return web.json_response(_entry(self._machine.history, request.match_info["prompt_id"]))

    async def _object_info(self, _request: web.Request) -> web.Response:
        return web.json_response(self._infos)

    async def _object_info_of(self, request: web.Request) -> web.Response:
        return web.json_response(_entry(self._infos, request.match_info["name"]))

    async def _system_stats(self, _request: web.Request) -> web.Response:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        system = {
            "os": sys.platform,
            "comfyui_version": VERSION,
            "python_version": platform.python_version(),
            "pytorch_version": "none",
        }
        cpu = {"name": "cpu", "type": "cpu", "index": None, "vram_total": memory}
        return web.json_response({"system": system, "devices": [cpu]})

    async def _upload_image(self, request: web.Request) -> web.Response:
        """Store an input image, in the place of one of the same name."""
        form = await request.post()
        image, subfolder = form.get("image"), str(form.get("subfolder", ""))
        if not isinstance(image, web.FileField):
            return _status(400)
        path = self._below("input", subfolder, image.filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.file.read())
        return web.json_response({"name": path.name, "subfolder": subfolder, "type": "input"})

    async def _view(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        name, kind = query.get("filename", ""), query.get("type", "output")
        if ".." in name or kind not in ("input", "output"):
            return _status(400)
        path = self._below(kind, query.get("subfolder", ""), name)
        return web.FileResponse(path) if path.is_file() else _status(404)

    def _below(self, kind: str, *parts: str) -> Path:
        try:
            return below(self._machine.folder / kind, *parts)
        except ValueError as error:
            raise web.HTTPForbidden from error

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        client_id = request.query.get("clientId") or uuid4().hex
        self._machine.sockets[client_id] = socket
        try:
            status = {"exec_info": {"queue_remaining": len(self._machine.pending)}}
            await socket.send_json({"type": "status", "data": {"status": status, "sid": client_id}})
            async for _ in socket:
                pass  # What a client says changes nothing here.
        finally:
            if self._machine.sockets.get(client_id) is socket:
                del self._machine.sockets[client_id]
        return socket


def _status(status: int) -> web.Response:
    return web.Response(status=status)


def _entry(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {key: table[key]} if key in table else {}


def _refusal(problems: list[Problem]) -> dict[str, Any]:
    """Put problems into ComfyUI's shape, with those of the whole prompt before those of nodes."""
    first = problems[0]
    if first.code in ("graph_without_output", "node_unknown"):
        return {"error": _error(first, node_id=first.params.get("node")), "node_errors": {}}
    nodes: dict[str, Any] = {}
    for problem in problems:
        node = {"class_type": problem.params["class_type"], "errors": []}
        error = _error(problem, input_name=problem.params["input"])
        nodes.setdefault(problem.params["node"], node)["errors"].append(error)
    kind, message = "prompt_outputs_failed_validation", "Prompt outputs failed validation"
    return {"error": {"type": kind, "message": message, "details": ""}, "node_errors": nodes}


def _error(problem: Problem, **extra: object) -> dict[str, Any]:
    kind = _TYPES.get(problem.code, "custom_validation_failed")
    extra["class_type"] = problem.params.get("class_type")
    return {"type": kind, "message": problem.text(), "details": "", "extra_info": extra}
