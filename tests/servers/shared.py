"""The real servers that tests run on: started from the wheels, or in containers.

COMFYD_TEST_SERVERS=containers takes Docker images instead (see tests/servers/containers.py).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.embedded.data_folder import data_folder
from infra.embedded.servers import Servers, start_all
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from tests.servers import containers

IN_CONTAINERS = os.environ.get("COMFYD_TEST_SERVERS") == "containers"


@contextmanager
def running_servers(folder: Path) -> Iterator[Mapping[str, str]]:
    """Start NATS, Postgres and S3; give the settings that lead to them."""
    if IN_CONTAINERS:
        with containers.running_servers() as env:
            yield env
    else:
        with embedded_servers(folder) as servers:
            yield servers.env


@contextmanager
def embedded_servers(folder: Path) -> Iterator[Servers]:
    """Start all three from the wheels; they can be killed and started again."""
    with data_folder(folder) as held:
        servers = start_all(held, given={})
        try:
            yield servers
        finally:
            servers.stop()


async def drop_streams(client: Client) -> None:
    """Delete every stream of a server, so that a test begins with none."""
    names = await api(client, "STREAM.NAMES", {}, within=5)
    for name in names.get("streams") or []:
        await api(client, f"STREAM.DELETE.{name}", {}, within=5)
