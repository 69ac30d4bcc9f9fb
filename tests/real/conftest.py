"""A whole comfyd whose machine is a ComfyUI that already runs (`make test-real`)."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing

import httpx
import pytest

from infra.embedded.servers import Servers
from infra.jetstream.connection import connected
from tests.e2e.system import System, running_system
from tests.e2e.tenant import Tenant, client_of
from tests.fakes.machine_labs import REAL_URL
from tests.real.direct import Direct
from tests.servers.shared import drop_streams


@pytest.fixture(scope="package")
def direct() -> Iterator[Direct]:
    """Return the ComfyUI itself, as its own page talks to it."""
    if not REAL_URL:
        pytest.skip("COMFYUI_URL=… make test-real names a ComfyUI that runs")
    try:
        opened = Direct(REAL_URL)
    except httpx.HTTPError as error:
        pytest.exit(f"COMFYUI_URL: no ComfyUI answers at {REAL_URL} ({error})", returncode=2)
    with closing(opened):
        yield opened


@pytest.fixture(scope="package")
async def system(
    direct: Direct, server_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """Return a running comfyd."""
    folder = tmp_path_factory.mktemp("system")
    async with connected(server_env["NATS_URL"], name="tests") as client:
        await drop_streams(client)
        async with running_system(folder, Servers({}, -1), server_env) as running:
            running.machine_url = direct.url
            yield running
        await drop_streams(client)


@pytest.fixture(scope="package")
async def ada(system: System) -> AsyncIterator[Tenant]:
    """Return a tenant whose machine is the real one."""
    async with client_of(system, "ada") as http:
        yield Tenant(http, system.machine_url)
