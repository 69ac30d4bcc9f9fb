"""A plain client of ComfyUI's protocol for the stand-in's own tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from tests.standin import Server, Switches, serve

DEADLINE = 30.0
CLIENT = "client-1"
Graph = dict[str, Any]
Event = dict[str, Any]


def node(class_type: str, **inputs: object) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def picture(*, colour: int = 1, prefix: str = "out") -> Graph:
    """Build the simplest graph there is."""
    return {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=colour),
        "2": node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }


def slow(seconds: float = 30.0, steps: int = 300) -> Graph:
    """Build a graph that takes its time between two quick nodes."""
    return {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": node(
            "StandinSlow", image=["1", 0], seconds=seconds, steps=steps, preview=False, seed=1
        ),
        "3": node("SaveImage", images=["2", 0], filename_prefix="slow"),
    }


class Client:
    """One client of one stand-in."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url, self.http = url, http

    async def get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as response:
            assert response.status == 200, path
            return await response.json()

    async def status_of(self, path: str) -> int:
        async with self.http.get(self.url + path) as response:
            return response.status

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        async with self.http.post(self.url + path, json=body) as response:
            content = await response.read()
        return response.status, json.loads(content) if content.startswith(b"{") else content

    async def submit(self, graph: Graph, prompt_id: str | None = None, **body: object) -> str:
        chosen = prompt_id or str(uuid4())
        sent = {"prompt": graph, "prompt_id": chosen, "client_id": CLIENT, **body}
        status, answer = await self.post("/prompt", sent)
        assert status == 200, answer
        return chosen

    async def finished(self, prompt_id: str) -> dict[str, Any]:
        """Wait for the history entry."""

        async def found() -> Any:
            return (await self.get(f"/history/{prompt_id}")).get(prompt_id)

        entry: dict[str, Any] = await eventually(found)
        return entry

    async def run(self, graph: Graph, **body: Any) -> dict[str, Any]:
        return await self.finished(await self.submit(graph, **body))

    @asynccontextmanager
    async def listening(self, client_id: str = CLIENT) -> AsyncIterator["Ear"]:
        async with self.http.ws_connect(f"{self.url}/ws?clientId={client_id}") as socket:
            yield Ear(socket)


class Ear:
    """A WebSocket and what came over it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> Event:
        event: Event = await self.socket.receive_json(timeout=DEADLINE)
        return event

    async def until(self, event_type: str, **data: object) -> list[Event]:
        """Receive up to and with the first event that has that type and those values."""
        events = [await self.next()]
        while events[-1]["type"] != event_type or not data.items() <= events[-1]["data"].items():
            events.append(await self.next())
        return events

    async def until_over(self) -> list[Event]:
        return await self.until("executing", node=None)


async def eventually(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until the answer is something."""
    deadline = asyncio.get_running_loop().time() + DEADLINE
    while not (answer := await ask()):
        assert asyncio.get_running_loop().time() < deadline, "it never came"
        await asyncio.sleep(0.002)
    return answer


@asynccontextmanager
async def standin(
    directory: Path, *, port: int = 0, **switches: Any
) -> AsyncIterator[tuple[Server, Client]]:
    async with (
        serve(directory, port=port, switches=Switches(**switches)) as server,
        aiohttp.ClientSession() as http,
    ):
        yield server, Client(server.url, http)
