"""A comfyui-deploy beside the system, for the tests of its import."""

from collections.abc import AsyncIterator, Mapping

import pytest

from tests.e2e.cli.importing import Old
from tests.e2e.system import System
from tests.servers.comfyui_deploy import comfyui_deploy


@pytest.fixture
async def old(system: System, server_env: Mapping[str, str]) -> AsyncIterator[Old]:
    """Yield the database of a comfyui-deploy with a bit of everything."""
    async with comfyui_deploy(server_env["POSTGRES_URL"]) as database:
        old = Old(database, system)
        await old.fill()
        yield old
