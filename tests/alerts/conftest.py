"""comfyd on a cluster of its own, watched by a real Prometheus, whose parts the tests may break."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of
from tests.servers.cluster_system import system_on
from tests.servers.nats_cluster import Cluster, running_cluster
from tests.servers.prometheus import RULES, Prometheus, hurried, running_prometheus

MACHINE_WAIT = "3"
"""Seconds a run waits for a machine that is away: then it fails, and that is an alert, too."""

LIMITS = {"COMFYD_RATE_LIMIT": "20", "COMFYD_RUNS_IN_FLIGHT": "10000"}


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return three NATS nodes."""
    with running_cluster(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(scope="package")
async def system(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """Return a running comfyd on three replicas, with a second API that has limits."""
    folder = tmp_path_factory.mktemp("comfyd")
    async with system_on(cluster, folder, COMFYD_MACHINE_WAIT=MACHINE_WAIT) as running:
        yield running


@pytest.fixture(scope="package")
async def limited(system: System) -> AsyncIterator[Tenant]:
    """Return a tenant who comes in by an API with limits."""
    url = system.start_another_api("api-limited", **LIMITS)
    await system.until_ready(url)
    async with client_of(system, "bob", url=url) as http:
        yield Tenant(http, system.machine_url)


@pytest.fixture(scope="package")
async def ada(system: System) -> AsyncIterator[Tenant]:
    """Return a tenant."""
    async with client_of(system, "ada") as http:
        yield Tenant(http, system.machine_url)


@pytest.fixture(scope="package")
async def prometheus(
    system: System,
    limited: Tenant,  # noqa: ARG001 -- its API is a target, too
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Prometheus]:
    """Return a Prometheus that has scraped every process."""
    targets = [url.removeprefix("http://") for url in system.internal_urls.values()]
    folder = tmp_path_factory.mktemp("prometheus")
    rules = hurried(RULES.read_text("utf-8"))
    async with running_prometheus(folder, targets, rules=rules) as running:
        await running.until_scraped(len(targets))
        yield running
