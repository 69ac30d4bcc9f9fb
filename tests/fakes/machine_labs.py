"""Machines for the conformance suite of drivers: our own two, or a ComfyUI that already runs.

COMFYD_TEST_COMFYUI names the ComfyUI; `make test-real` sets it. With COMFYD_TEST_PLUGIN=1 it has
the plugin of comfyui-deploy, and is driven by it as well.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
from aiohttp import web
from msgspec import json
from typing_extensions import override

from events.run.output import Output
from infra.comfyui.driver import ComfyUIMachine, open_client, open_comfyui
from infra.comfyui.plugin.callbacks import read_callback
from infra.comfyui.plugin.driver import UPDATE_PATH, CallbackEnd, OnWords, PluginMachine
from infra.comfyui.secrets import MachineSecrets
from infra.comfyui.watch.watching import Patience
from infra.embedded.demo import nodes as demo
from infra.embedded.demo.server import serve as serve_demo
from infra.machine_driver import Failed, Graph, MachineDriver, Outcome, Report
from tests.fakes.callback_sink import callback_sink
from tests.standin import serve
from tests.standin.plugin import PluginFaults

REAL_URL = os.environ.get("COMFYD_TEST_COMFYUI", "")
REAL_PLUGIN = os.environ.get("COMFYD_TEST_PLUGIN") == "1"

TOKEN = "what both machines of ours want to see"

PATIENCE = 30.0
"""Seconds without a sign of life before the driver gives up, longer than a restart takes."""

BLURRED = 512
"""Pixels on a side of what a stock node blurs to be slow: about a second on one core."""


class Lab(Protocol):
    """A machine under test, and what the tests need beside its driver."""

    async def open(self, *, patience: float = PATIENCE) -> MachineDriver:
        """Open the driver."""

    async def put(self, name: str, data: bytes) -> Output:
        """Leave a file among the machine's outputs."""

    async def rendered(self) -> Mapping[str, int]:
        """Count the executions by prompt."""

    def failing(self, source: str, node_id: str) -> tuple[dict[str, Any], Failed]:
        """Build nodes of which the one with *node_id* raises, and what is reported then."""

    async def restart(self) -> None:
        """Make the machine forget everything but its files."""

    async def stop(self) -> None:
        """Stop the machine."""

    async def close(self) -> None:
        """Close the driver, and the machine if it is ours."""


class OwnLab:
    """A machine that the test starts and stops, and its driver."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._running = AsyncExitStack()
        self._driver: ComfyUIMachine | None = None

    async def start(self) -> None:
        """Start the machine, at the port that it had before."""
        raise NotImplementedError

    async def rendered(self) -> Mapping[str, int]:
        raise NotImplementedError

    async def stop(self) -> None:
        await self._running.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def open(self, *, patience: float = PATIENCE) -> MachineDriver:
        self._driver = await open_comfyui(
            f"http://127.0.0.1:{self.port}",
            secrets=MachineSecrets(token=TOKEN),
            silence=0.3,
            patience=patience,
            allow_private=True,
        )
        return self._driver

    async def put(self, name: str, data: bytes) -> Output:
        (self.folder / "output" / name).write_bytes(data)
        return Output(index=0, node_id="1", kind="images", filename=name)

    def failing(self, source: str, node_id: str) -> tuple[dict[str, Any], Failed]:
        inputs = {"image": [source, 0], "message": "out of paint", "seed": 1}
        failed = Failed(
            message="out of paint",
            node_id=node_id,
            node_class="StandinFail",
            exception="ValueError",
        )
        nodes = {
            node_id: {"class_type": "StandinFail", "inputs": inputs},
            f"{node_id}-saved": saved(node_id),
        }
        return nodes, failed

    async def close(self) -> None:
        if self._driver:
            await self._driver.close()
        await self.stop()


class StandinLab(OwnLab):
    """The stand-in of the tests."""

    @override
    async def start(self) -> None:
        serving = serve(self.folder, port=self.port, token=TOKEN)
        self._server = await self._running.enter_async_context(serving)
        self.port = self._server.port

    @override
    async def rendered(self) -> Mapping[str, int]:
        return self._server.rendered()


class PluginLab(StandinLab):
    """The stand-in with comfyui-deploy's plugin, whose callbacks are heard only in part.

    They come in any order and some twice, and there are no URLs for its files.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.heard: list[dict[str, Any]] = []
        self._ears: dict[str, OnWords] = {}

    @override
    async def start(self) -> None:
        faults = PluginFaults(loses=0.3, doubles=0.3, late=0.05)
        serving = serve(self.folder, port=self.port, token=TOKEN, plugin=faults)
        self._server = await self._running.enter_async_context(serving)
        self.port = self._server.port
        self._receiver = await self._running.enter_async_context(_receiver(self._take))

    @override
    async def open(self, *, patience: float = PATIENCE) -> MachineDriver:
        client = open_client(
            f"http://127.0.0.1:{self.port}", secrets=MachineSecrets(token=TOKEN), allow_private=True
        )
        self._driver = PluginMachine(
            client,
            Patience(silence=0.3, unreachable=patience),
            CallbackEnd(url=self._receiver, hear=self._hear),
        )
        return self._driver

    @asynccontextmanager
    async def _hear(self, prompt_id: UUID, on_words: OnWords) -> AsyncIterator[None]:
        self._ears[str(prompt_id)] = on_words
        try:
            yield
        finally:
            del self._ears[str(prompt_id)]

    def _take(self, body: bytes) -> None:
        callback = read_callback(body)
        assert callback
        self.heard.append(json.decode(body))
        for frame in callback.frames:
            if ear := self._ears.get(callback.prompt_id):
                ear(json.encode(frame).decode())


@asynccontextmanager
async def _receiver(take: Callable[[bytes], None]) -> AsyncIterator[str]:
    """Serve what callbacks are sent to, and refuse URLs for files."""

    async def update(request: web.Request) -> web.Response:
        take(await request.read())
        return web.json_response({"message": "success"})

    app = web.Application()
    app.router.add_post(UPDATE_PATH, update)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class DemoLab(OwnLab):
    """The demo machine of `comfyd up`, with two nodes more: one is slow, and one raises."""

    @override
    async def start(self) -> None:
        classes = demo.CLASSES | {"StandinSlow": SLOW, "StandinFail": FAIL}
        serving = serve_demo(self.folder, port=self.port, token=TOKEN, classes=classes)
        self.port = await self._running.enter_async_context(serving)

    @override
    async def rendered(self) -> Mapping[str, int]:
        return await _in_history(f"http://127.0.0.1:{self.port}", TOKEN)


async def _take_time(call: demo.Call) -> tuple[Any, ...]:
    steps, seconds = call.inputs["steps"], call.inputs["seconds"]
    for step in range(1, steps + 1):
        await asyncio.sleep(seconds / steps)
        await call.step(step, steps)
    return (call.inputs["image"],)


async def _raise(call: demo.Call) -> tuple[Any, ...]:
    raise ValueError(call.inputs["message"])


_SEED = {"seed": ["INT", {}]}
_SLOWLY = {"seconds": ["FLOAT", {}], "steps": ["INT", {}], "preview": ["BOOLEAN", {}]}
SLOW = demo.NodeClass(_take_time, {"image": ["IMAGE", {}], **_SLOWLY, **_SEED}, ("IMAGE",))
FAIL = demo.NodeClass(
    _raise, {"image": ["IMAGE", {}], "message": ["STRING", {}], **_SEED}, ("IMAGE",)
)


class RealLab:
    """A ComfyUI that already runs and is not ours to stop; what it renders stays there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._driver: StockNodes | None = None

    async def open(self, *, patience: float = PATIENCE) -> MachineDriver:
        # A real one holds its own event loop for half a second now and then.
        opened = await open_comfyui(self._url, silence=1.0, patience=patience, allow_private=True)
        self._driver = StockNodes(opened._client, opened._patience)
        return self._driver

    async def put(self, name: str, data: bytes) -> Output:
        async with httpx.AsyncClient(base_url=self._url, trust_env=False) as http:
            form = {"type": "output", "overwrite": "true"}
            answer = await http.post("/upload/image", data=form, files={"image": (name, data)})
        return Output(index=0, node_id="1", kind="images", filename=answer.json()["name"])

    async def rendered(self) -> Mapping[str, int]:
        return await _in_history(self._url)

    def failing(self, source: str, node_id: str) -> tuple[dict[str, Any], Failed]:
        message = "**** ERROR: Saving image outside the output folder is not allowed."
        failed = Failed(
            message=message, node_id=node_id, node_class="SaveImage", exception="Exception"
        )
        return {node_id: saved(source, "../../outside")}, failed

    async def restart(self) -> None:
        raise NotImplementedError("a test that stops the machine is not for a real one")

    async def stop(self) -> None:
        raise NotImplementedError("a test that stops the machine is not for a real one")

    async def close(self) -> None:
        if self._driver:
            await self._driver.close()


class RealPluginLab(RealLab):
    """The same with comfyui-deploy's plugin, which is handed the prompts; no callback is heard."""

    @override
    async def open(self, *, patience: float = PATIENCE) -> MachineDriver:
        self._driver = StockNodesByPlugin(
            open_client(self._url, allow_private=True),
            Patience(silence=1.0, unreachable=patience),
            CallbackEnd(url=callback_sink(), hear=_deaf),
        )
        return self._driver


@asynccontextmanager
async def _deaf(_prompt_id: UUID, _on_words: OnWords) -> AsyncIterator[None]:
    yield


async def _in_history(url: str, token: str = "") -> Mapping[str, int]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as http:
        return dict.fromkeys((await http.get("/history")).json(), 1)


class StockNodes(ComfyUIMachine):
    """A driver that puts nodes of a stock ComfyUI in the place of the stand-in's slow ones."""

    @override
    async def check(self, graph: Graph) -> None:
        await super().check(with_stock_nodes(graph))

    @override
    async def submit(
        self,
        prompt_id: UUID,
        graph: Graph,
        *,
        ui_graph: Mapping[str, Any] | None = None,
        callback_token: str = "",
    ) -> None:
        await super().submit(
            prompt_id,
            with_stock_nodes(graph),
            ui_graph=ui_graph,
            callback_token=callback_token,
        )

    @override
    async def watch(self, prompt_id: UUID, graph: Graph, report: Report) -> Outcome:
        return await super().watch(prompt_id, with_stock_nodes(graph), report)


class StockNodesByPlugin(StockNodes, PluginMachine):
    """The same for a machine with the plugin."""


def with_stock_nodes(graph: Graph) -> dict[str, Any]:
    """Replace each slow node of the stand-in by blurs that take about as long."""
    slow = {k: n for k, n in graph.items() if n["class_type"] == "StandinSlow"}
    fast = {k: with_links(n, {s: small(s) for s in slow}) for k, n in graph.items()}
    for node_id, node in slow.items():
        fast |= blurs(node_id, node)
    return fast


def blurs(node_id: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """Enlarge the image, blur it for about the wanted number of seconds, and shrink it."""
    count = 1 + int(node["inputs"]["seconds"])
    chain = [large(node_id), *(f"{node_id}-{n}" for n in range(1, count)), node_id]
    blur = {"blur_radius": 31, "sigma": 10.0}
    return {
        chain[0]: scaled(node["inputs"]["image"], BLURRED),
        **{
            after: {**node} | {"class_type": "ImageBlur", "inputs": {"image": [before, 0], **blur}}
            for before, after in pairwise(chain)
        },
        small(node_id): scaled([node_id, 0], 8),
    }


def scaled(image: object, side: int) -> dict[str, Any]:
    size = {"width": side, "height": side, "upscale_method": "area", "crop": "disabled"}
    return {"class_type": "ImageScale", "inputs": {"image": image, **size}}


def large(node_id: str) -> str:
    return f"{node_id}-large"


def small(node_id: str) -> str:
    return f"{node_id}-small"


def with_links(node: Mapping[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    """Lead links to other nodes."""
    inputs = {
        name: [moved[value[0]], value[1]]
        if isinstance(value, list) and value[0] in moved
        else value
        for name, value in node["inputs"].items()
    }
    return {**node, "inputs": inputs}


def saved(source: str, prefix: str = "made") -> dict[str, Any]:
    """Build a node that saves an image."""
    inputs = {"images": [source, 0], "filename_prefix": prefix}
    return {"class_type": "SaveImage", "inputs": inputs}
