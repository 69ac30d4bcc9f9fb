"""Drives a headless Chromium by its own protocol (CDP): open a page, evaluate an expression."""

import asyncio
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=600,400",
)
_START_S = 60


class PageError(Exception):
    """An expression raised in the page."""


class Page:
    """The one page of a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def open(self, url: str) -> None:
        """Go to *url*."""
        await self._call("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """Evaluate an expression, wait for it if it is a promise, and return its value.

        Raises:
            PageError: it raised.

        """
        arguments = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = await self._call("Runtime.evaluate", **arguments)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            thrown = details.get("exception", {}).get("description") or details["text"]
            raise PageError(thrown)
        return answer["result"].get("value")

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                return dict(message["result"])


def chromium() -> str:
    """Return the path of the browser; empty if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""


@asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    """Start a browser with a profile of its own; stop it at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium(),
            *_FLAGS,
            f"--user-data-dir={profile}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            port = await asyncio.to_thread(_port, Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                targets = await (await session.get(f"http://127.0.0.1:{port}/json/list")).json()
                url = next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page")
                async with session.ws_connect(url, max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            os.killpg(process.pid, 15)
            await process.wait()


def _port(file: Path) -> int:
    """Wait for the file in which a browser says where it listens."""
    deadline = time.monotonic() + _START_S
    while not (file.exists() and file.read_text()):
        if time.monotonic() > deadline:
            raise TimeoutError("Chromium does not start")
        time.sleep(0.1)
    return int(file.read_text().split()[0])
