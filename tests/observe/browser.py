"""A real browser for tests: it opens a page of a site of ours, which reports what it saw.

Debian's Chromium, where it is installed; without it, what needs it is skipped, and says so.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.embedded.ports import LOOPBACK

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-proxy-server"),
)
REPORTS_WITHIN = 60.0
"""Seconds; a browser on a busy machine is slow to start."""

CHROMIUM = next(filter(None, map(shutil.which, NAMES)), "")
needs_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium")

_TYPES = {".html": "text/html", ".js": "text/javascript", "": "application/json"}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """What a page comes from, and where it reports to (POST /report)."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, str] = {}
        """By path: what is served."""

        self.routes: dict[str, Answer] = {}
        """By the first part of the path: what answers."""

        self._reports: asyncio.Queue[Any] = asyncio.Queue()

    async def report(self) -> Any:
        """Wait for the next report of the page."""
        async with asyncio.timeout(REPORTS_WITHIN):
            return await self._reports.get()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer the browser."""
        if request.path == "/report":
            self._reports.put_nowait(await request.json())
            return web.Response()
        if route := self.routes.get(request.path.split("/")[1]):
            return await route(request)
        if request.path not in self.files:
            return web.Response(status=404)
        kind = _TYPES[Path(request.path).suffix]
        return web.Response(text=self.files[request.path], content_type=kind, charset="utf-8")


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """Serve a site of its own origin."""
    served = Site()
    async with serving(served.answer) as served.url:
        yield served


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """Serve whatever *answer* answers; give the URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    listening = web.TCPSite(runner, LOOPBACK, 0)
    await listening.start()
    try:
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(url: str, folder: Path, more: Sequence[str] = ()) -> AsyncIterator[None]:
    """Open a page in a browser that knows nothing yet, and close it at the end.

    *more* are switches of the browser beside the usual ones.
    """
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *SWITCHES,
        *more,
        f"--user-data-dir={folder / 'profile'}",
        url,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a browser is many processes
        await process.wait()
