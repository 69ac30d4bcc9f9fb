"""Listens to what ComfyUI sends about one prompt: connect, drain, connect again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from aiohttp import ClientWSTimeout, WSMsgType

from infra.comfyui.client import NO_ANSWER, Client
from infra.comfyui.watch.frames import Executing, frame_from
from infra.comfyui.watch.node_times import Clock, clocked, deafened, reminded
from infra.comfyui.watch.progress import Heard, hear, nothing_heard
from infra.machine_driver import Graph

MESSAGE_LIMIT = 8 * 1024 * 1024
"""Largest frame, in bytes. A larger one ends the connection before any of it is kept; what matters
is asked over HTTP, and pictures that come only as frames are compiled away
(events/graph/compile.py)."""

CLOSE_WITHIN = 2.0
"""How long to wait for the server to agree to a close, in seconds."""

RECONNECT_FIRST = 0.2
RECONNECT_LAST = 2.0
"""Waits before connecting again, in seconds, doubling from the first to the last."""


class Listener:
    """One WebSocket after another, and what they said of the prompt."""

    def __init__(
        self, client: Client, prompt_id: UUID, graph: Graph, *, from_the_start: bool
    ) -> None:
        self.heard: Heard = nothing_heard(prompt_id, graph)
        self.clock = Clock(graph=graph, deaf=not from_the_start)
        """How long its nodes took so far."""

        self.news = asyncio.Event()
        """Set when anything below has changed."""

        self.connected = False
        self.connections = 0
        """How many there were so far; events in between are lost."""

        self.last_word = 0.0
        """When an event of the prompt came last, on the event loop's clock."""

        self._client = client
        # The prompt is its own client: its watcher gets its events and no others.
        self._url = client.at("ws").with_query(clientId=str(prompt_id))
        self._task = self._begin()

    async def reconnect(self) -> None:
        """Replace the connection: an open one may be deaf."""
        # Fully closed first: ComfyUI forgets a client when its older connection closes.
        await self.close()
        self.clock = deafened(self.clock)
        self._task = self._begin()

    async def close(self) -> None:
        """Stop listening."""
        self._closing = True
        self._task.cancel()
        await asyncio.wait([self._task])

    def _begin(self) -> asyncio.Task[None]:
        self._closing = False
        return asyncio.create_task(self._listen())

    async def wait(self, until: float) -> None:
        """Wait for news, but not longer than *until*, on the event loop's clock."""
        try:
            async with asyncio.timeout_at(until):
                await self.news.wait()
        except TimeoutError:
            return
        self.news.clear()
        if self._task.done():
            self._task.result()

    async def _listen(self) -> None:
        try:
            await self._stay_connected()
        finally:
            self.connected = False
            self.news.set()

    async def _stay_connected(self) -> None:
        delay = RECONNECT_FIRST
        while not self._closing:
            before = self.connections
            with suppress(*NO_ANSWER):  # the machine is asked over HTTP meanwhile
                await self._drain()
            self.connected = False
            self.clock = deafened(self.clock)
            self.news.set()
            delay = RECONNECT_FIRST if self.connections > before else delay
            await asyncio.sleep(delay)
            delay = min(2 * delay, RECONNECT_LAST)

    async def _drain(self) -> None:
        """Read everything at once: a client that does not read holds up those of all others."""
        async with self._client.session.ws_connect(
            self._url,
            max_msg_size=MESSAGE_LIMIT,
            timeout=ClientWSTimeout(ws_close=CLOSE_WITHIN),
        ) as socket:
            self.connected = True
            self.connections += 1
            self.news.set()
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._take(message.data)

    def take_hint(self, text: str) -> None:
        """Take in what was said of the prompt by another way, in any order, twice or late.

        While there is a connection it counts only that the prompt is over: all else is heard there
        first, and in order.
        """
        frame = frame_from(text)
        if frame is None or frame.data.prompt_id != self.heard.prompt_id:
            return
        heard = hear(self.heard, frame)
        if self.connected and not heard.over:
            return
        self.last_word = asyncio.get_running_loop().time()
        self.heard = heard
        self.news.set()

    def _take(self, text: str) -> None:
        frame = frame_from(text)
        now = asyncio.get_running_loop().time()
        if isinstance(frame, Executing) and not frame.data.prompt_id and frame.data.node:
            # Said on connecting, to the client whose prompt runs: it names no prompt.
            self.clock = reminded(self.clock, frame.data.node, now)
        if frame is None or frame.data.prompt_id != self.heard.prompt_id:
            return
        self.last_word = now
        self.heard = hear(self.heard, frame)
        self.clock = clocked(self.clock, frame, now)
        self.news.set()


@asynccontextmanager
async def listening(
    client: Client, prompt_id: UUID, graph: Graph, *, from_the_start: bool
) -> AsyncIterator[Listener]:
    """Listen to what ComfyUI says about *prompt_id*, until the end of the block.

    *from_the_start*: it was submitted just now, so that nothing was said before.
    """
    listener = Listener(client, prompt_id, graph, from_the_start=from_the_start)
    try:
        yield listener
    except BaseException:
        # Someone else may go on watching: see `reconnect`.
        await listener.close()
        raise
    # It is over, so there is no need to wait for the server to agree.
    client.later(listener.close())
