"""Machines for the driver: a scripted one, and a stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from infra.comfyui.driver import ComfyUIMachine, open_client, open_comfyui
from infra.comfyui.plugin.driver import CallbackEnd, OnWords, PluginMachine
from infra.comfyui.watch.watching import Patience
from tests.fakes.scripted_comfyui import ScriptedComfyUI, scripted_comfyui
from tests.standin import Server, serve


@pytest.fixture
async def script() -> AsyncIterator[ScriptedComfyUI]:
    async with scripted_comfyui() as script:
        yield script


@pytest.fixture
async def machine(script: ScriptedComfyUI) -> AsyncIterator[ComfyUIMachine]:
    machine = await open_comfyui(
        script.url, silence=0.1, patience=1, answer_within=2, allow_private=True
    )
    yield machine
    await machine.close()


@pytest.fixture
async def plugin_machine(script: ScriptedComfyUI) -> AsyncIterator[PluginMachine]:
    """Open the driver of a machine that is handed its prompts by comfyui-deploy's plugin."""
    client = open_client(script.url, answer_within=2, allow_private=True)
    patience = Patience(silence=0.1, unreachable=1)
    machine = PluginMachine(client, patience, CallbackEnd(url="http://comfyd.test", hear=_deaf))
    yield machine
    await machine.close()


@asynccontextmanager
async def _deaf(_prompt_id: UUID, _on_words: OnWords) -> AsyncIterator[None]:
    """Hear nothing."""
    yield


@pytest.fixture(params=["POST /prompt", "POST /comfyui-deploy/run"])
def handed(
    request: pytest.FixtureRequest, machine: ComfyUIMachine, plugin_machine: PluginMachine
) -> tuple[ComfyUIMachine, str]:
    """Return each driver with the route by which it hands over a prompt."""
    stock = request.param == "POST /prompt"
    return machine if stock else plugin_machine, request.param


@pytest.fixture
async def standin(tmp_path: Path) -> AsyncIterator[Server]:
    async with serve(tmp_path) as server:
        yield server


@pytest.fixture
async def real(standin: Server) -> AsyncIterator[ComfyUIMachine]:
    machine = await open_comfyui(
        standin.url, silence=0.2, patience=3, answer_within=2, allow_private=True
    )
    yield machine
    await machine.close()
