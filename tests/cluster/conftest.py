"""comfyd on a cluster of its own, whose nodes and processes the tests of this folder may kill."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from infra.embedded.data_folder import data_folder
from infra.embedded.servers import start_all
from infra.nats_connection import connected
from tests.cluster.balancer import Balancer
from tests.described import check_described
from tests.e2e.system import System, running_system
from tests.e2e.tenant import Tenant
from tests.nats_cluster import Cluster, migrated, running_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return three NATS nodes."""
    with running_cluster(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(scope="module")
async def system(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """Return a running comfyd: two of each process on three replicas."""
    folder = tmp_path_factory.mktemp("comfyd")
    async with connected(cluster.url, name="tests") as client:
        await migrated(client)
    with data_folder(folder) as held:
        servers = start_all(held, given={"NATS_URL": cluster.url})
        try:
            env = {**servers.env, "NATS_URL": cluster.url}
            async with running_system(folder, servers, env, replicas=3) as running:
                running.start_own("worker-2", "consumers", "worker")
                running.start_own("projector-2", "consumers", "projector")
                yield running
        finally:
            servers.stop()


@pytest.fixture(scope="module")
async def ada(system: System) -> AsyncIterator[Tenant]:
    """Return a tenant who comes in by a load balancer before two APIs."""
    other = system.start_another_api("api-2")
    await system.until_ready(other)
    async with httpx.AsyncClient(
        base_url=system.url,
        transport=Balancer([system.url, other]),
        headers={"Authorization": f"Bearer {system.token('ada')}"},
        timeout=40,
        event_hooks={"response": [check_described]},
    ) as http:
        yield Tenant(http, system.machine_url)
