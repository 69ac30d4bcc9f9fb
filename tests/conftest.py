"""What tests of every kind may ask for."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql

from infra.jetstream.connection import Client, connected
from infra.jetstream.streams import declared as streams
from tests.servers.shared import drop_streams, running_servers

# Time is measured in tests/bench; a busy machine is no failure.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    """Keep a developer's own settings out of the tests."""
    for name in list(os.environ):
        if name.startswith(("COMFYD_", "SPACES_")) and not name.startswith("COMFYD_TEST_"):
            del os.environ[name]


@pytest.fixture(scope="session")
def server_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Yield the settings that lead to real servers, shared by the whole session."""
    folder: Path = tmp_path_factory.mktemp("servers")
    with running_servers(folder) as env:
        yield env


@pytest.fixture
async def nats_client(server_env: Mapping[str, str]) -> AsyncIterator[Client]:
    """Yield a connection to a NATS server without any stream."""
    async with connected(server_env["NATS_URL"], name="test") as client:
        await drop_streams(client)
        yield client


@pytest.fixture
async def log_client(nats_client: Client) -> Client:
    """Return a connection to a NATS server with comfyd's streams, all empty."""
    await streams.migrate(nats_client)
    return nats_client


@pytest.fixture
def postgres_url(server_env: Mapping[str, str]) -> Iterator[str]:
    """Yield the URL of an empty database."""
    server = server_env["POSTGRES_URL"]
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"{server.rsplit('/', 1)[0]}/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured and is not asserted."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
