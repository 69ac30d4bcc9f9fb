"""The check of a machine with comfyui-deploy's plugin: whether it stores a file by our way."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from infra.comfyui.client import Client
from infra.comfyui.driver import open_client
from infra.comfyui.plugin.driver import UPLOAD_PATH
from infra.comfyui.plugin.reach import store_one_file
from infra.machine_driver import MachineRefused, MachineUnreachable
from tests.network.ports import free_port
from tests.standin import serve
from tests.standin.plugin import PluginFaults

TOKEN = "a-token-of-the-check"


class Backend:
    """What stands for comfyd and its storage."""

    def __init__(self) -> None:
        self.url = ""
        self.takes = True
        self.stored: list[tuple[str, bytes]] = []

    async def address(self, request: web.Request) -> web.Response:
        """Return where to store a file, to who has the token."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        url = f"{self.url}/stored"
        return web.json_response({"upload_url": url, "download_url": url})

    async def store(self, request: web.Request) -> web.Response:
        """Store a file."""
        if not self.takes:
            return web.Response(status=403)
        self.stored.append((request.headers["Content-Type"], await request.read()))
        return web.Response()


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    backend, app = Backend(), web.Application()
    app.router.add_get(UPLOAD_PATH, backend.address)
    app.router.add_put("/stored", backend.store)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    backend.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield backend
    await runner.cleanup()


@asynccontextmanager
async def machine(folder: Path, *, plugin: bool = True) -> AsyncIterator[Client]:
    async with serve(folder, plugin=PluginFaults() if plugin else None) as server:
        client = open_client(server.url, allow_private=True)
        yield client
        await client.close()


async def test_a_machine_that_reaches_both_stores_one_picture(
    backend: Backend, tmp_path: Path
) -> None:
    async with machine(tmp_path) as client:
        await store_one_file(client, callback_url=backend.url, token=TOKEN)

    [(media_type, content)] = backend.stored
    assert (media_type, content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")


def no_way_to_comfyd(_: Backend) -> str:
    return f"http://127.0.0.1:{free_port()}"


def no_way_to_the_storage(backend: Backend) -> str:
    backend.takes = False
    return backend.url


@pytest.mark.parametrize("where", [no_way_to_comfyd, no_way_to_the_storage])
async def test_a_machine_that_does_not_reach_one_of_them_is_refused(
    backend: Backend, tmp_path: Path, where: Callable[[Backend], str]
) -> None:
    async with machine(tmp_path) as client:
        with pytest.raises(MachineRefused) as refused:
            await store_one_file(client, callback_url=where(backend), token=TOKEN)

    assert refused.value.code == "plugin_cannot_store"
    assert TOKEN not in str(refused.value)
    assert backend.stored == []


async def test_without_the_plugin_that_is_said(backend: Backend, tmp_path: Path) -> None:
    async with machine(tmp_path, plugin=False) as client:
        with pytest.raises(MachineRefused) as refused:
            await store_one_file(client, callback_url=backend.url, token=TOKEN)

    assert refused.value.code == "plugin_missing"


async def test_a_machine_that_is_away_is_not_refused_for_good(backend: Backend) -> None:
    client = open_client(f"http://127.0.0.1:{free_port()}", allow_private=True)
    with pytest.raises(MachineUnreachable):
        await store_one_file(client, callback_url=backend.url, token=TOKEN)
    await client.close()
