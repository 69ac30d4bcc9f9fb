"""A ComfyUI that answers by script: for what the stand-in is too well-behaved to do."""

import asyncio
import struct
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import WSMsgType, web
from msgspec import Struct

HOST = "127.0.0.1"
BEGINNING = b"the beginning of a file"


class Asked(Struct, frozen=True):
    """One request."""

    method: str
    path: str
    body: Any = None
    form: dict[str, str] | None = None
    """The fields of a form; of a file, its name."""


class Reply(Struct, frozen=True):
    """One answer; a status of 0 cuts the connection instead."""

    body: Any = None
    """Sent as JSON, or as it is when it is bytes."""

    status: int = 200
    media_type: str = "application/json"
    missing: int = 0
    """How many bytes the body has less than it should, when the connection is cut."""

    endless: bool = False
    """The body is sent again and again, with a *pause* in between, in seconds."""

    pause: float = 0.0


class ScriptedComfyUI:
    """Replays the replies of a path in order, then repeats the last one."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.replies: dict[str, list[Reply]] = defaultdict(list)
        """By method and path. What is not scripted does not exist, as on an older ComfyUI."""

        self.frames: list[list[str | bytes | int]] = []
        """What each connection hears, from the first on; the last one for ever.

        A number is the head of a frame of so many bytes, which never come.
        """

        self.accepts_sockets = True
        self.sockets = 0
        self.close_codes: list[int | None] = []
        """Why each connection was closed, as the client says."""

        self.open_sockets = 0
        self.most_open_sockets = 0
        self.no_sockets = asyncio.Event()
        """Set when the last open socket closes."""

    def answer(self, route: str, *replies: Reply) -> None:
        """Script the replies of *route*, such as `GET /queue`."""
        self.replies[route] = list(replies)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        if request.path == "/ws" and self.accepts_sockets:
            return await self._speak(request)
        self.asked.append(await _asked(request))
        left = self.replies[f"{request.method} {request.path}"]
        if not left:
            return web.Response(status=404)
        reply = left.pop(0) if len(left) > 1 else left[0]
        if reply.missing:
            return await _broken(request, reply.missing)
        if reply.endless:
            return await _endless(request, reply)
        if reply.status == 0 and request.transport:
            request.transport.abort()
        if isinstance(reply.body, bytes):
            return web.Response(body=reply.body, content_type=reply.media_type)
        return web.json_response(reply.body, status=reply.status, content_type=reply.media_type)

    async def _speak(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        frames = self.frames[min(self.sockets, len(self.frames) - 1)] if self.frames else []
        self.sockets += 1
        self.open_sockets += 1
        self.most_open_sockets = max(self.most_open_sockets, self.open_sockets)
        for frame in frames:
            if isinstance(frame, int):
                assert request.transport
                request.transport.write(struct.pack(">BBQ", 0x82, 127, frame))
            else:
                await (
                    socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame)
                )
        async for message in socket:
            assert message.type is not WSMsgType.ERROR
        self.close_codes.append(socket.close_code)
        self.open_sockets -= 1
        if self.open_sockets == 0:
            self.no_sockets.set()
        return socket


async def _asked(request: web.Request) -> Asked:
    if request.content_type == "multipart/form-data":
        fields = await request.post()
        form = {
            n: f.filename if isinstance(f, web.FileField) else str(f) for n, f in fields.items()
        }
        return Asked(request.method, request.path, form=form)
    body = await request.json() if await request.text() else None
    return Asked(request.method, request.path, body)


async def _endless(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = reply.media_type
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(reply.body)
            await asyncio.sleep(reply.pause)
    return response


async def _broken(request: web.Request, missing: int) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = len(BEGINNING) + missing
    await response.prepare(request)
    await response.write(BEGINNING)
    assert request.transport
    request.transport.close()
    return response


@asynccontextmanager
async def scripted_comfyui() -> AsyncIterator[ScriptedComfyUI]:
    """Serve one on a free port."""
    script = ScriptedComfyUI()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        script.url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield script
    finally:
        await runner.cleanup()
