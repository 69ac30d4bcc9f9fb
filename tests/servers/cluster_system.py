"""A whole comfyd on a NATS cluster, with storage and Postgres of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.embedded.data_folder import data_folder
from infra.embedded.servers import start_all
from infra.jetstream.connection import connected
from tests.e2e.system import System, running_system
from tests.servers.nats_cluster import NODES, Cluster, migrated


@asynccontextmanager
async def system_on(cluster: Cluster, folder: Path, **settings: str) -> AsyncIterator[System]:
    """Start comfyd on a cluster that runs already, with some settings changed; stop it."""
    async with connected(cluster.url, name="tests") as client:
        await migrated(client)
    with data_folder(folder) as held:
        servers = start_all(held, given={"NATS_URL": cluster.url})
        try:
            env = {**servers.env, "NATS_URL": cluster.url, **settings}
            async with running_system(folder, servers, env, replicas=NODES) as running:
                yield running
        finally:
            servers.stop()
