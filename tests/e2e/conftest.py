"""One running system for all ordinary tests of this folder, and two tenants who use it."""

from collections.abc import AsyncIterator, Mapping

import pytest
from nats.aio.client import Client

from infra.embedded.servers import Servers
from infra.jetstream_event_store import JetStreamEventStore
from infra.nats_connection import connected
from tests.e2e.system import System, running_system
from tests.e2e.tenant import Tenant, client_of
from tests.servers import drop_streams


@pytest.fixture(scope="package")
async def system(
    server_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """Give a running comfyd, shared by the whole folder."""
    folder = tmp_path_factory.mktemp("system")
    async with connected(server_env["NATS_URL"], name="tests") as client:
        await drop_streams(client)
        async with running_system(folder, Servers({}, -1), server_env) as running:
            yield running
        await drop_streams(client)


@pytest.fixture(scope="package")
async def ada(system: System) -> AsyncIterator[Tenant]:
    """Give a tenant."""
    async with client_of(system, "ada") as http:
        yield Tenant(http, system.machine_url)


@pytest.fixture(scope="package")
async def bob(system: System) -> AsyncIterator[Tenant]:
    """Give another tenant, who must see nothing of the first."""
    async with client_of(system, "bob") as http:
        yield Tenant(http, system.machine_url)


@pytest.fixture(scope="package")
async def nats(system: System) -> AsyncIterator[Client]:
    """Give a connection to the system's NATS, beside all doors."""
    async with connected(system.env["NATS_URL"], name="tests") as client:
        yield client


@pytest.fixture(scope="package")
def log(nats: Client) -> JetStreamEventStore:
    """Give the log itself."""
    return JetStreamEventStore(nats)
