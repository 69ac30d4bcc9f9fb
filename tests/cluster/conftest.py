"""comfyd on a cluster of its own, whose nodes and processes the tests of this folder may kill."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.cluster.balancer import Balancer
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.observe.described import check_described
from tests.servers.cluster_system import system_on
from tests.servers.nats_cluster import Cluster, running_cluster


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
    async with system_on(cluster, folder) as running:
        running.start_own("worker-2", "consumers", "worker")
        running.start_own("projector-2", "consumers", "projector")
        yield running


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
