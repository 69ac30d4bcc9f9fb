"""The routes of files: upload and view."""

import asyncio
import io
import mimetypes
from pathlib import Path

from aiohttp import web
from PIL import Image

from tests.standin.folders import KINDS, PathEscapes
from tests.standin.machine import Machine


class FileRoutes:
    """Answers for one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.post("/upload/image", self.upload), web.get("/view", self.view)]

    async def upload(self, request: web.Request) -> web.Response:
        """Store a file; a taken name is given a number, unless the bytes are the same."""
        if self._machine.switches.refuse_uploads:
            return web.Response(status=500, text="Uploads are refused")
        form = await request.post()
        image = form.get("image")
        if image is None:
            return web.Response(status=400)
        if not isinstance(image, web.FileField):
            raise web.HTTPInternalServerError
        kind = str(form.get("type", "input"))
        if kind not in KINDS:
            raise web.HTTPInternalServerError
        subfolder = str(form.get("subfolder", ""))
        try:
            path = self._machine.folders.inside(kind, subfolder, image.filename)
        except PathEscapes:
            return web.Response(status=400)
        overwrite = form.get("overwrite") in ("true", "1")
        content = image.file.read()
        name = await asyncio.to_thread(_stored, path, content, overwrite=overwrite)
        return web.json_response({"name": name, "subfolder": subfolder, "type": kind})

    async def view(self, request: web.Request) -> web.StreamResponse:
        """Return a file."""
        query = request.query
        name, kind = query.get("filename"), query.get("type", "output")
        if name is None or self._machine.switches.drop_views:
            return web.Response(status=404)
        if name.startswith("/") or ".." in name or kind not in KINDS:
            return web.Response(status=400)
        try:
            path = self._machine.folders.inside(kind, query.get("subfolder", ""), Path(name).name)
        except PathEscapes:
            return web.Response(status=403)
        if not path.is_file():
            return web.Response(status=404)
        shown = {"Content-Disposition": f'filename="{path.name}"'}
        if "preview" in query:
            return await _preview(path, query["preview"], shown)
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {**shown, "Content-Type": media_type, "X-Content-Type-Options": "nosniff"}
        if self._machine.switches.drip_views:
            return await _drip(request, path, headers, self._machine.switches.drip_views)
        return web.FileResponse(path, headers=headers)


async def _drip(
    request: web.Request, path: Path, headers: dict[str, str], seconds: float
) -> web.StreamResponse:
    content = await asyncio.to_thread(path.read_bytes)
    response = web.StreamResponse(headers=headers)
    response.content_length = len(content)
    await response.prepare(request)
    for byte in content:
        await asyncio.sleep(seconds)
        await response.write(bytes([byte]))
    return response


def _stored(path: Path, content: bytes, *, overwrite: bool) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    free, number = path, 0
    while not overwrite and free.exists():
        if free.read_bytes() == content:
            return free.name
        number += 1
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
    free.write_bytes(content)
    return free.name


async def _preview(path: Path, wanted: str, headers: dict[str, str]) -> web.Response:
    kind, _, quality = wanted.partition(";")
    kind = kind if kind in ("webp", "jpeg") else "webp"
    level = int(quality) if quality.isdecimal() else 90
    content = await asyncio.to_thread(_encoded, path, kind, level)
    return web.Response(body=content, content_type=f"image/{kind}", headers=headers)


def _encoded(path: Path, kind: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, kind.upper(), quality=quality)
    return buffer.getvalue()
