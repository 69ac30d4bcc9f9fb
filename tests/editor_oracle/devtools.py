"""Asks a page of a browser by Chromium's own protocol (CDP): go there, evaluate an expression."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.observe.browser import opened

_SWITCHES = ("--remote-debugging-port=0", "--window-size=600,400")
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


@asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    """Start a browser with a profile of its own; stop it at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with opened("about:blank", Path(folder), _SWITCHES), aiohttp.ClientSession() as http:
            port = await asyncio.to_thread(_port, Path(folder) / "profile" / "DevToolsActivePort")
            targets = await (await http.get(f"http://127.0.0.1:{port}/json/list")).json()
            url = next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page")
            async with http.ws_connect(url, max_msg_size=0) as socket:
                yield Page(socket)


def _port(file: Path) -> int:
    """Wait for the file in which a browser says where it listens."""
    deadline = time.monotonic() + _START_S
    while not (file.exists() and file.read_text()):
        if time.monotonic() > deadline:
            raise TimeoutError("Chromium does not start")
        time.sleep(0.1)
    return int(file.read_text().split()[0])
