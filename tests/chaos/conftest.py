"""One running system on servers of its own, which the tests of this folder may kill."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.system import System, running_system
from tests.e2e.tenant import Tenant, client_of
from tests.servers.shared import embedded_servers


@pytest.fixture(scope="package")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Yield a running comfyd that owns its servers."""
    folder = tmp_path_factory.mktemp("chaos")
    with embedded_servers(folder) as servers:
        async with running_system(folder, servers, servers.env) as running:
            yield running


@pytest.fixture(scope="package")
async def ada(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant."""
    async with client_of(system, "ada") as http:
        yield Tenant(http, system.machine_url)
