"""The demo machine of `comfyd up`: what it draws, what it refuses, and that it says what it is.

What the driver needs of it is in tests/contract/test_machine_contract.py.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from app.cli.local.samples import colour_card, text_to_image
from events.graph.compile import compile_graph
from events.graph.nodes import Graph
from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.comfyui.secrets import MachineSecrets
from infra.embedded.demo.nodes import Latent, drawn
from infra.embedded.demo.server import VERSION, serve
from infra.embedded.ports import LOOPBACK
from infra.machine_driver import (
    Failed,
    Finished,
    Interrupted,
    MachineUnreachable,
    Outcome,
    WorkflowRejected,
)
from tests.fakes.machine_labs import saved
from tests.network.ports import free_port

CHECKPOINT = "standin.safetensors"
TOKEN = "what the demo machine wants to see"
ROOT = Path(__file__).parents[3]


class Silent:
    """A report that nobody reads."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def running(self) -> None:
        self.begun.set()

    async def progress(self, progress: object) -> None:
        pass

    async def unreachable(self, error: str) -> None:
        pass

    async def reachable(self) -> None:
        pass


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with serve(tmp_path, token=TOKEN) as port:
        yield f"http://{LOOPBACK}:{port}"


@pytest.fixture
async def demo(url: str) -> AsyncIterator[ComfyUIMachine]:
    async with driven(url) as demo:
        yield demo


@asynccontextmanager
async def driven(url: str) -> AsyncIterator[ComfyUIMachine]:
    secrets = MachineSecrets(token=TOKEN)
    machine = await open_comfyui(url, secrets=secrets, silence=0.3, allow_private=True)
    try:
        yield machine
    finally:
        await machine.close()


def compiled(workflow: Graph, prompt_id: UUID, **values: Any) -> dict[str, Any]:
    return compile_graph(workflow, values, prompt_id=prompt_id, image_names={}, seeds={})


async def picture_of(
    demo: ComfyUIMachine, workflow: Graph, *, ui_graph: Graph | None = None, **values: Any
) -> Image.Image:
    prompt_id = uuid4()
    graph = compiled(workflow, prompt_id, **values)
    await demo.check(graph)
    await demo.submit(prompt_id, graph, ui_graph=ui_graph)
    outcome = await demo.watch(prompt_id, graph, Silent())
    assert isinstance(outcome, Finished)
    async with demo.open_output(outcome.outputs[0]) as stream:
        return Image.open(BytesIO(b"".join([chunk async for chunk in stream.chunks()])))


async def test_both_samples_run_on_it_and_the_picture_follows_prompt_and_size(
    demo: ComfyUIMachine,
) -> None:
    sample = text_to_image(CHECKPOINT, steps=2).graph
    fox, again, owl = [
        await picture_of(demo, sample, prompt=prompt) for prompt in ("a fox", "a fox", "an owl")
    ]
    assert (fox.size, fox.tobytes()) == ((512, 512), again.tobytes())
    assert fox.tobytes() != owl.tobytes()

    card = await picture_of(demo, colour_card().graph, colour=0xFF0000)
    assert (card.size, card.getpixel((9, 9))) == ((512, 512), (255, 0, 0))


@pytest.mark.parametrize("changed", [{"seed": 2}, {"steps": 3}, {"text": "b"}, {"width": 65}])
def test_a_drawing_shows_seed_steps_prompt_and_size(changed: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"width": 64, "height": 64, "batch": 1, "text": "a", "steps": 2}

    def picture(seed: int = 1, **more: Any) -> bytes:
        return drawn(Latent(**settings | more), seed).tobytes()

    assert picture() == picture()
    assert picture() != picture(**changed)


@pytest.mark.parametrize("seed", [7, 466_609_496_567_179])
def test_the_last_line_of_a_drawing_is_not_cut_at_the_edge(seed: int) -> None:
    """A long seed makes two lines of the last one."""
    picture = drawn(Latent(width=512, height=512, batch=1, text="a", steps=20), seed)
    white = b"\xff\xff\xff"
    edge = picture.crop((0, 504, 512, 512)).tobytes()
    line = picture.crop((0, 470, 512, 504)).tobytes()
    assert (white in edge, white in line) == (False, True)


async def test_a_saved_picture_holds_the_graphs_as_those_of_comfyui_do(
    demo: ComfyUIMachine,
) -> None:
    picture = await picture_of(demo, colour_card().graph, ui_graph={"nodes": []})
    assert json.loads(picture.info["prompt"])["2"]["class_type"] == "EmptyImage"
    assert json.loads(picture.info["workflow"]) == {"nodes": []}


async def test_it_says_that_it_is_no_comfyui(demo: ComfyUIMachine) -> None:
    seen = await demo.observe()
    assert (seen.comfyui_version, seen.pytorch_version) == (VERSION, "none")
    assert VERSION == "none: the demo machine of comfyd"
    assert [device.type for device in seen.devices] == ["cpu"]
    assert seen.models == {"checkpoints": [CHECKPOINT]}


ROUTES = [
    ("GET", "/queue"),
    ("GET", "/history"),
    ("GET", "/object_info"),
    ("GET", "/system_stats"),
    ("GET", "/view?filename=a.png"),
    ("GET", "/ws"),
    ("POST", "/prompt"),
    ("POST", "/interrupt"),
    ("POST", "/upload/image"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("shown", ["", "Bearer wrong", TOKEN])
async def test_without_its_token_nothing_is_answered(
    url: str, method: str, path: str, shown: str
) -> None:
    headers = {"Authorization": shown} if shown else {}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=40
    ) as http:
        assert (await http.request(method, path)).status_code == 401


SMALL = {"width": 8, "height": 8, "batch_size": 1, "color": 0}


async def test_what_leads_out_of_its_folder_is_refused(
    demo: ComfyUIMachine, url: str, tmp_path: Path
) -> None:
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": SMALL},
        "2": saved("1", "../../outside"),
    }
    await demo.submit(prompt_id := uuid4(), graph)
    outcome = await demo.watch(prompt_id, graph, Silent())
    assert isinstance(outcome, Failed)
    assert (outcome.node_id, outcome.exception) == ("2", "ValueError")

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=40
    ) as http:
        form = {"subfolder": "../..", "type": "input"}
        sent = await http.post("/upload/image", data=form, files={"image": ("a.png", b"x")})
        read = await http.get("/view?filename=a.png&subfolder=../..")
    assert (sent.status_code, read.status_code) == (403, 403)
    assert not list(tmp_path.parent.glob("*.png"))


@pytest.mark.parametrize("source", ["1", "nowhere"], ids=["a circle", "a link to nowhere"])
async def test_a_graph_without_an_order_is_refused(demo: ComfyUIMachine, source: str) -> None:
    inputs = {name: [source, 0] for name in ("samples", "vae")}
    graph = {"1": {"class_type": "VAEDecode", "inputs": inputs}, "2": saved("1")}
    with pytest.raises(WorkflowRejected):
        await demo.submit(uuid4(), graph)


@asynccontextmanager
async def endless(demo: ComfyUIMachine) -> AsyncIterator[tuple[UUID, asyncio.Task[Outcome]]]:
    """Wait until a prompt runs whose steps take a minute."""
    prompt_id, report = uuid4(), Silent()
    graph = compiled(text_to_image(CHECKPOINT).graph, prompt_id)
    await demo.submit(prompt_id, graph)
    watching = asyncio.create_task(demo.watch(prompt_id, graph, report))
    await report.begun.wait()
    yield prompt_id, watching
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_sampler_is_stopped_at_once(tmp_path: Path) -> None:
    async with (
        serve(tmp_path, token=TOKEN, step_seconds=60) as port,
        driven(f"http://{LOOPBACK}:{port}") as demo,
        endless(demo) as (prompt_id, watching),
    ):
        await demo.cancel(prompt_id)
        assert isinstance(await watching, Interrupted)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_its_process_ends_at_a_signal_in_the_middle_of_a_prompt(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "infra.embedded.demo", "--port", str(port), "--slow", "60"]
    process = await asyncio.create_subprocess_exec(
        *command, "--dir", str(tmp_path), cwd=ROOT, env={**os.environ, "DEMO_TOKEN": TOKEN}
    )
    try:
        async with asyncio.timeout(20), driven(f"http://{LOOPBACK}:{port}") as demo:
            await until_it_answers(demo)
            async with endless(demo):
                process.send_signal(number)
                assert await process.wait() == os.EX_OK
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_it_answers(demo: ComfyUIMachine) -> None:
    while True:
        try:
            await demo.observe()
        except MachineUnreachable:
            await asyncio.sleep(0.05)
        else:
            return
