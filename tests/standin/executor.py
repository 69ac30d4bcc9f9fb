"""Executes one prompt at a time, node by node, and tells of every step."""

import asyncio
import os
import time
import traceback
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from PIL import Image

from tests.standin.folders import Folders
from tests.standin.hub import Hub
from tests.standin.nodes.catalogue import CLASSES
from tests.standin.nodes.node import Call, Result
from tests.standin.prompt_queue import Entry, Prompt
from tests.standin.schedule import declared, execution_order, signatures
from tests.standin.switches import Switches

_EXIT_STATUS = 70
"""How the process ends where it was told to die."""


class Interrupted(Exception):
    """Someone stopped the prompt."""


class Executor:
    """Keeps what lives from one prompt to the next: results by fingerprint, and the interrupt."""

    def __init__(self, hub: Hub, folders: Folders, switches: Callable[[], Switches]) -> None:
        self.hub = hub
        self.folders = folders
        self.switches = switches
        self.cache: dict[str, Result] = {}
        self.interrupted = False
        self._started = 0

    async def execute(self, prompt: Prompt) -> Entry:
        """Execute *prompt*; give its history entry. Errors of nodes end up in there."""
        self.folders.log_rendered(prompt.prompt_id)
        self._started += 1
        self.die_where(str(self._started))
        self.interrupted = False
        self.hub.client_id = prompt.client_id
        run = Run(self, prompt)
        try:
            await run.execute()
        finally:
            self.hub.client_id = self.hub.node_id = None
        return run.entry()

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget all other results: ComfyUI does so after each success, and only then."""
        self.cache = {key: self.cache[key] for key in keys if key in self.cache}

    def die_where(self, place: str) -> None:
        """End the process where the switch says so, without any goodbye."""
        if self.switches().die_at == place:
            os._exit(_EXIT_STATUS)


class Run:
    """The execution of one prompt."""

    def __init__(self, executor: Executor, prompt: Prompt) -> None:
        self._executor = executor
        self._hub = executor.hub
        self._prompt = prompt
        self._graph = prompt.graph
        self._keys = signatures(prompt.graph, prompt.outputs, executor.folders)
        self._executed: list[str] = []
        self._nodes: dict[str, dict[str, Any]] = {}
        self._messages: list[list[Any]] = []
        self._outputs: dict[str, Any] = {}
        self._completed = False

    async def execute(self) -> None:
        """Execute all there is; never raises for what a node does."""
        self._tell("execution_start", {})
        cached = [i for i in self._graph if i in self._keys and self._cached(i)]
        self._tell("execution_cached", {"nodes": cached})
        for node_id in execution_order(self._graph, self._prompt.outputs, self._cached):
            if not await self._node(node_id):
                return
        self._tell("execution_success", {})
        self._completed = True
        self._executor.keep_only(set(self._keys.values()))

    def entry(self) -> Entry:
        """Write the history entry."""
        return {
            "prompt": self._prompt.listed(),
            "outputs": self._outputs,
            "status": {
                "status_str": "success" if self._completed else "error",
                "completed": self._completed,
                "messages": self._messages,
            },
            "meta": {i: self._meta(i) for i in self._outputs},
        }

    def _cached(self, node_id: str) -> bool:
        return self._keys[node_id] in self._executor.cache

    async def _node(self, node_id: str) -> bool:
        """Execute one node; tell whether to go on."""
        if self._cached(node_id):
            self._show(node_id, self._executor.cache[self._keys[node_id]])
            self._progress(node_id, 1, 1, "finished")
            return True
        self._progress(node_id, 0.0, 1.0, "running")
        self._hub.node_id = node_id
        if self._prompt.client_id is not None:
            self._publish("executing", {"node": node_id, "display_node": node_id})
        try:
            result = await self._call(node_id)
        except Interrupted:
            self._tell("execution_interrupted", self._where(node_id), to_all=True)
            return False
        except Exception as error:  # noqa: BLE001 -- a node may raise anything
            self._tell("execution_error", self._failure(node_id, error))
            return False
        self._finish(node_id, result)
        return True

    async def _call(self, node_id: str) -> Result:
        node = self._graph[node_id]
        switches = self._executor.switches()
        self._executor.die_where(node["class_type"])
        await asyncio.sleep(switches.node_seconds)
        if self._executor.interrupted:
            raise Interrupted
        if node["class_type"] == switches.fail_class:
            raise RuntimeError(f"{switches.fail_class} was told to fail")
        call = Call(
            inputs=self._inputs(node_id),
            folders=self._executor.folders,
            step=partial(self._step, node_id),
            metadata={"prompt": self._graph, **(self._prompt.extra.get("extra_pnginfo") or {})},
            account=self._prompt.account,
            previews=self._prompt.extra.get("preview_method") not in (None, "none", "default"),
        )
        return await CLASSES[node["class_type"]].run(call)

    def _inputs(self, node_id: str) -> dict[str, Any]:
        return {
            name: self._executor.cache[self._keys[value[0]]].values[value[1]]
            if isinstance(value, list)
            else value
            for name, value in declared(self._graph[node_id]).items()
        }

    def _finish(self, node_id: str, result: Result) -> None:
        self._executor.cache[self._keys[node_id]] = result
        self._executed.append(node_id)
        self._show(node_id, result)
        self._progress(
            node_id, self._nodes[node_id]["max"], self._nodes[node_id]["max"], "finished"
        )

    def _show(self, node_id: str, result: Result) -> None:
        if result.shown is None:
            return
        self._outputs[node_id] = result.shown
        if self._prompt.client_id is not None:
            shown = {"node": node_id, "display_node": node_id, "output": result.shown}
            self._publish("executed", shown)

    async def _step(
        self,
        node_id: str,
        value: int,
        of: int,
        *,
        seconds: float = 0.0,
        preview: Image.Image | None = None,
    ) -> None:
        await asyncio.sleep(seconds + self._executor.switches().step_seconds)
        if self._executor.interrupted:
            raise Interrupted
        client_id = self._prompt.client_id
        with_metadata = self._hub.takes_metadata(client_id)
        self._progress(node_id, value, of, "running")
        if preview is not None and with_metadata:
            self._hub.publish_preview_with(self._place(node_id), preview, client_id)
        data = {"value": value, "max": of, "prompt_id": self._prompt.prompt_id, "node": node_id}
        self._hub.publish("progress", data, client_id)
        if preview is not None and not with_metadata:
            self._hub.publish_preview(preview, client_id)

    def _progress(self, node_id: str, value: float, of: float, state: str) -> None:
        place = self._place(node_id)
        self._nodes[node_id] = {"value": value, "max": of, "state": state, **place}
        data = {"prompt_id": self._prompt.prompt_id, "nodes": self._nodes}
        self._hub.publish("progress_state", data, self._prompt.client_id)

    def _place(self, node_id: str) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "prompt_id": self._prompt.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }

    def _publish(self, event: str, data: dict[str, Any]) -> None:
        named = {**data, "prompt_id": self._prompt.prompt_id}
        self._hub.publish(event, named, self._prompt.client_id)

    def _tell(self, event: str, data: dict[str, Any], *, to_all: bool = False) -> None:
        """Note one of the events that the history keeps, and send it."""
        stamped = {**data, "prompt_id": self._prompt.prompt_id, "timestamp": milliseconds()}
        self._messages.append([event, stamped])
        if to_all or self._prompt.client_id is not None:
            self._hub.publish(event, stamped, self._prompt.client_id)

    def _where(self, node_id: str) -> dict[str, Any]:
        kind = self._graph[node_id]["class_type"]
        return {"node_id": node_id, "node_type": kind, "executed": list(self._executed)}

    def _failure(self, node_id: str, error: Exception) -> dict[str, Any]:
        kind = type(error)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        return {
            **self._where(node_id),
            "exception_message": f"{error}\n",
            "exception_type": f"{module}{kind.__qualname__}",
            "traceback": traceback.format_tb(error.__traceback__),
            "current_inputs": {n: [_plain(v)] for n, v in self._inputs(node_id).items()},
            "current_outputs": list(self._keys),
        }

    def _meta(self, node_id: str) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "display_node": node_id,
            "parent_node": None,
            "real_node_id": node_id,
        }


def milliseconds() -> int:
    """Return the time as ComfyUI stamps it."""
    return int(time.time() * 1000)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) else repr(value)
