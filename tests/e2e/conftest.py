"""One running system for all ordinary tests of this folder, and two tenants who use it."""

import json
from collections.abc import AsyncIterator, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.ports import LOOPBACK
from infra.embedded.servers import Servers
from infra.jetstream.connection import Client, connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.postgres import connect
from projections.schema import drop_tables
from projections.statements import LIVE
from tests.e2e.command_line import Comfyd, GraphFile, command_line
from tests.e2e.system import System, running_system
from tests.e2e.tenant import Tenant, client_of
from tests.servers.shared import drop_streams


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the processes logged beside a test that failed: elsewhere nothing else stays."""
    report = yield
    system = item.funcargs.get("system")
    if report.failed and isinstance(system, System):
        report.sections.append(("Warnings in the logs of comfyd", system.warnings()))
    return report


@pytest.fixture(scope="package")
async def system(
    server_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """Yield a running comfyd, shared by the whole folder."""
    folder = tmp_path_factory.mktemp("system")
    async with connected(server_env["NATS_URL"], name="tests") as client:
        await drop_streams(client)
        async with connect(server_env["POSTGRES_URL"]) as connection:
            # Tables of a log that is gone would be taken for those of the new one.
            await drop_tables(connection, LIVE)
        async with running_system(folder, Servers({}, -1), server_env) as running:
            yield running
        await drop_streams(client)


@pytest.fixture(scope="package")
async def impatient(system: System) -> AsyncIterator[str]:
    """Start an API with a heartbeat every second, which trusts proxies here; give its URL."""
    url = system.start_another_api(
        "impatient", module="tests.e2e.impatient_api", COMFYD_TRUSTED_PROXIES=LOOPBACK
    )
    await system.until_ready(url)
    yield url
    system.end("impatient")


@pytest.fixture(scope="package")
async def ada(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant."""
    async with client_of(system, "ada") as http:
        yield Tenant(http, system.machine_url)


@pytest.fixture(scope="package")
async def bob(system: System) -> AsyncIterator[Tenant]:
    """Yield another tenant, who must see nothing of the first."""
    async with client_of(system, "bob") as http:
        yield Tenant(http, system.machine_url)


@pytest.fixture(scope="package")
async def nats(system: System) -> AsyncIterator[Client]:
    """Yield a connection to the system's NATS, past the API."""
    async with connected(system.env["NATS_URL"], name="tests") as client:
        yield client


@pytest.fixture(scope="package")
def log(nats: Client) -> JetStreamEventStore:
    """Return the log itself."""
    return JetStreamEventStore(nats)


@pytest.fixture
def comfyd(system: System, tmp_path: Path) -> Comfyd:
    """Return the command line, as the user cli."""
    return command_line(system, tmp_path)


@pytest.fixture
def graph_file(tmp_path: Path) -> GraphFile:
    """Write a graph where the command line finds it."""

    def write(graph: dict[str, Any]) -> str:
        file = tmp_path / "graph.json"
        file.write_text(json.dumps(graph))
        return str(file)

    return write


@pytest.fixture
def machine(system: System, comfyd: Comfyd) -> str:
    """Return the name of a machine that the user cli has registered."""
    added = comfyd("machine", "add", "box", system.machine_url)
    assert added.code == 0, added.err
    return "box"
