"""kill -9 of the worker while it draws a thumbnail: the next one draws it, and nothing stays."""

import asyncio
from contextlib import suppress
from io import BytesIO

import httpx
import psutil
import pytest
from PIL import Image

from tests.e2e.graphs import node
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, download
from tests.observe.decoders import decoders

pytestmark = pytest.mark.chaos

GRAPH = {
    "1": node("EmptyImage", width=6000, height=6000, batch_size=1, color=0x2040C0),
    "2": node("SaveImage", images=["1", 0], filename_prefix="large"),
}


async def test_a_thumbnail_survives_the_worker_that_was_drawing_it(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(GRAPH)
    async with system.supervised():
        run_id = await ada.start(deployment)

        async def drawing() -> set[int] | None:
            return await asyncio.to_thread(decoders, system.pid("worker"))

        left_behind = await eventually(drawing)
        system.kill("worker")
        run = await ada.ended(run_id)

        async def made() -> bytes | None:
            with suppress(httpx.HTTPStatusError):
                return await download(run["outputs"][0]["thumbnail_url"])
            return None

        thumbnail = Image.open(BytesIO(await eventually(made)))

        async def ended() -> bool:
            return not any(map(psutil.pid_exists, left_behind))

        await eventually(ended)

    assert thumbnail.size == (384, 384)
    assert "worker" in system.restarted
