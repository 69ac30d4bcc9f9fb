"""Machines for the driver: a scripted one, and a stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.comfyui.driver import ComfyUIMachine, open_comfyui
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
