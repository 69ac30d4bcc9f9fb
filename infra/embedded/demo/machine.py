"""The demo machine behind its routes: executes one prompt after the other, and tells its client."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec import Struct

from events.graph.nodes import Graph, is_link, links
from infra.embedded.demo.nodes import Call, NodeClass

MOST_ENDED = 1000
"""Prompts the history keeps."""

_CASTS: Mapping[str, Callable[[Any], object]] = {"INT": int, "FLOAT": float, "STRING": str}


class Prompt(Struct, frozen=True, eq=False, kw_only=True):
    """A prompt that was accepted."""

    number: int
    prompt_id: str
    client_id: str
    graph: dict[str, Any]
    order: list[str]
    """The nodes to execute, each after those it takes something from."""

    pnginfo: Mapping[str, Any]

    def listed(self) -> list[Any]:
        """Write it as /queue does."""
        return [self.number, self.prompt_id, self.graph, {"client_id": self.client_id}, []]


class Machine:
    """Queue, history and sockets; all of it is gone with the process, but the files."""

    def __init__(
        self, folder: Path, classes: Mapping[str, NodeClass], *, step_seconds: float
    ) -> None:
        self.folder = folder
        self.classes = classes
        self.step_seconds = step_seconds
        self.pending: dict[str, Prompt] = {}
        self.running: Prompt | None = None
        self.history: dict[str, dict[str, Any]] = {}
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self._arrived: asyncio.Queue[str] = asyncio.Queue()
        self._execution: asyncio.Task[None] | None = None

    def put(self, prompt: Prompt) -> None:
        """Queue a prompt."""
        self.pending[prompt.prompt_id] = prompt
        self._arrived.put_nowait(prompt.prompt_id)

    def interrupt(self, prompt_id: str | None = None) -> None:
        """Stop the running prompt, if it is that one (None: whatever runs)."""
        if self._execution and self.running and prompt_id in (None, self.running.prompt_id):
            self._execution.cancel()

    async def work(self) -> None:
        """Execute what arrives, for ever."""
        try:
            while True:
                if prompt := self.pending.pop(await self._arrived.get(), None):
                    await self._execute(prompt)
        finally:
            self.interrupt()

    async def _execute(self, prompt: Prompt) -> None:
        self.running, execution = prompt, Execution(self, prompt)
        self._execution = asyncio.create_task(execution.run())
        await asyncio.wait([self._execution])
        self.history[prompt.prompt_id] = execution.entry()
        self.running = None
        for oldest in list(self.history)[:-MOST_ENDED]:
            del self.history[oldest]
        await self.send(prompt, "executing", node=None)

    async def send(self, prompt: Prompt, event: str, **data: object) -> None:
        """Send an event to the client of *prompt*, if it listens."""
        if socket := self.sockets.get(prompt.client_id):
            named = {**data, "prompt_id": prompt.prompt_id}
            with suppress(ConnectionError):
                await socket.send_json({"type": event, "data": named})


class Execution:
    """One prompt being executed."""

    def __init__(self, machine: Machine, prompt: Prompt) -> None:
        self._machine = machine
        self._prompt = prompt
        self._values: dict[str, tuple[Any, ...]] = {}
        self._nodes: dict[str, dict[str, Any]] = {}
        self._place: dict[str, Any] = {}
        self._messages: list[tuple[str, dict[str, Any]]] = []
        self._outputs: dict[str, Any] = {}

    async def run(self) -> None:
        """Execute every node; how it ended is in the entry."""
        try:
            await self._note("execution_start")
            await self._note("execution_cached", nodes=[])
            for node_id in self._prompt.order:
                await self._node(node_id)
            await self._note("execution_success")
        except asyncio.CancelledError:
            await self._note("execution_interrupted", **self._place)
        except Exception as error:  # noqa: BLE001 -- a node may raise anything
            raised = {"exception_type": type(error).__name__, "exception_message": f"{error}\n"}
            await self._note("execution_error", **self._place, **raised, traceback=[])

    def entry(self) -> dict[str, Any]:
        """Write the history entry."""
        success = any(event == "execution_success" for event, _ in self._messages)
        word = "success" if success else "error"
        status = {"status_str": word, "completed": success, "messages": self._messages}
        return {"prompt": self._prompt.listed(), "outputs": self._outputs, "status": status}

    async def _node(self, node_id: str) -> None:
        node = self._prompt.graph[node_id]
        node_class = self._machine.classes[node["class_type"]]
        self._place = {"node_id": node_id, "node_type": node["class_type"]}
        await self._machine.send(self._prompt, "executing", node=node_id)
        await self._state(node_id, 0, 1, "running")
        call = Call(
            inputs={n: self._input(node["inputs"][n], s) for n, s in node_class.inputs.items()},
            folder=self._machine.folder,
            step=partial(self._step, node_id),
            texts={"prompt": self._prompt.graph, **self._prompt.pnginfo},
        )
        self._values[node_id] = await node_class.run(call)
        if not node_class.outputs:
            (self._outputs[node_id],) = self._values[node_id]
            shown = {"node": node_id, "output": self._outputs[node_id]}
            await self._machine.send(self._prompt, "executed", **shown)
        await self._state(node_id, 1, 1, "finished")

    def _input(self, value: Any, spec: list[Any]) -> object:
        if is_link(value):
            return self._values[value[0]][int(value[1])]
        cast = _CASTS.get(str(spec[0]))
        return cast(value) if cast else value

    async def _step(self, node_id: str, value: int, of: int) -> None:
        await asyncio.sleep(self._machine.step_seconds)
        await self._machine.send(self._prompt, "progress", node=node_id, value=value, max=of)
        await self._state(node_id, value, of, "running")

    async def _state(self, node_id: str, value: int, of: int, state: str) -> None:
        """Send how far every node is: a socket may have been opened in the middle."""
        self._nodes[node_id] = {"value": value, "max": of, "state": state}
        await self._machine.send(self._prompt, "progress_state", nodes=self._nodes)

    async def _note(self, event: str, **data: object) -> None:
        """Send an event that the history keeps, too."""
        stamped = {**data, "timestamp": time.time_ns() // 1_000_000}
        self._messages.append((event, stamped | {"prompt_id": self._prompt.prompt_id}))
        await self._machine.send(self._prompt, event, **stamped)


def order_of(graph: Graph, outputs: list[str]) -> list[str]:
    """Return the nodes that *outputs* need, each after those it takes something from.

    Raises:
        graphlib.CycleError: the links go round.
        KeyError: a link leads nowhere.

    """
    needed: dict[str, set[str]] = {}
    waiting = list(outputs)
    while waiting:
        node_id = waiting.pop()
        if node_id not in needed:
            needed[node_id] = {source for _, source, _ in links(graph[node_id])}
            waiting += needed[node_id]
    return list(TopologicalSorter(needed).static_order())
