"""The WebSocket side: who is connected, and the one loop that sends events to them."""

import asyncio
import io
import json
import struct
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web
from PIL import Image

from tests.standin.switches import Switches

FEATURES: dict[str, Any] = {
    "supports_preview_metadata": True,
    "supports_model_type_tags": True,
    "max_upload_size": 100 * 1024 * 1024,
    "extension": {"manager": {"supports_v4": True}},
    "node_replacements": True,
    "assets": False,
}
_PREVIEW, _PREVIEW_WITH_METADATA, _JPEG = 1, 4, 1
Frame = str | bytes


class Hub:
    """Sends events. One loop serves all sockets, so one that does not read holds up the rest."""

    def __init__(self, switches: Callable[[], Switches], remaining: Callable[[], int]) -> None:
        self._switches = switches
        self._remaining = remaining
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._with_metadata: set[str] = set()
        self._outbox: asyncio.Queue[tuple[float, Frame, str | None]] = asyncio.Queue()
        self.overheard: Callable[[str, dict[str, Any]], None] | None = None
        """Called with each event of a prompt, whoever is connected, as a plugin hears it."""

        self.client_id: str | None = None
        """Whose prompt runs."""

        self.node_id: str | None = None
        """Which node runs."""

    def publish(self, event: str, data: dict[str, Any], client_id: str | None) -> None:
        """Queue an event for one client, or for all (None)."""
        if self.overheard and "prompt_id" in data:
            self.overheard(event, data)
        self._put(json.dumps({"type": event, "data": data}), client_id)

    def publish_status(self) -> None:
        """Send every client the number of prompts that are left."""
        self.publish("status", self._status(), None)

    def takes_metadata(self, client_id: str | None) -> bool:
        """Return whether the client asked for previews with metadata."""
        return client_id in self._with_metadata

    def publish_preview(self, image: Image.Image, client_id: str | None) -> None:
        """Queue a preview of the old kind, which does not say what it belongs to."""
        self._put(struct.pack(">II", _PREVIEW, _JPEG) + _jpeg(image), client_id)

    def publish_preview_with(
        self, metadata: dict[str, Any], image: Image.Image, client_id: str | None
    ) -> None:
        """Queue a preview that says which node of which prompt it belongs to."""
        text = json.dumps({**metadata, "image_type": "image/jpeg"}).encode()
        head = struct.pack(">II", _PREVIEW_WITH_METADATA, len(text))
        self._put(head + text + _jpeg(image), client_id)

    async def deliver(self) -> None:
        """Send what is queued, for ever."""
        while True:
            due, frame, client_id = await self._outbox.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            switches = self._switches()
            if switches.silent:
                continue
            for _ in range(2 if switches.doubled else 1):
                await self._send(frame, client_id)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket until it closes."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid = request.query.get("clientId") or uuid4().hex
        self._with_metadata.discard(sid)
        self._sockets[sid] = socket
        try:
            await _write(socket, _text("status", {**self._status(), "sid": sid}))
            if self.client_id == sid and self.node_id is not None:
                await _write(socket, _text("executing", {"node": self.node_id}))
            await self._listen(socket, sid)
        finally:
            # By client id, not by socket: this takes a newer socket of the same client out of
            # the table too, as ComfyUI does.
            self._sockets.pop(sid, None)
        return socket

    async def _listen(self, socket: web.WebSocketResponse, sid: str) -> None:
        first = True
        async for message in socket:
            if first and message.type is WSMsgType.TEXT:
                first = False
                await self._greet(socket, sid, message.data)

    async def _greet(self, socket: web.WebSocketResponse, sid: str, text: str) -> None:
        """Take feature flags; they count only as a client's first message."""
        try:
            message = json.loads(text)
            flags = message["data"] if message["type"] == "feature_flags" else None
        except (ValueError, KeyError, TypeError):
            return
        if flags is None:
            return
        if flags.get("supports_preview_metadata"):
            self._with_metadata.add(sid)
        await _write(socket, _text("feature_flags", FEATURES))

    def _status(self) -> dict[str, Any]:
        return {"status": {"exec_info": {"queue_remaining": self._remaining()}}}

    def _put(self, frame: Frame, client_id: str | None) -> None:
        due = asyncio.get_running_loop().time() + self._switches().late
        self._outbox.put_nowait((due, frame, client_id))

    async def _send(self, frame: Frame, client_id: str | None) -> None:
        if client_id is None:
            for socket in list(self._sockets.values()):
                await _write(socket, frame)
        elif client_id in self._sockets:
            await _write(self._sockets[client_id], frame)


def _text(event: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": event, "data": data})


async def _write(socket: web.WebSocketResponse, frame: Frame) -> None:
    try:
        if isinstance(frame, str):
            await socket.send_str(frame)
        else:
            await socket.send_bytes(frame)
    except ConnectionError:
        # The socket is closing; its own handler takes it out of the table.
        return


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()
