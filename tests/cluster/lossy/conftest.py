"""A cluster whose nodes lose what they are told to lose of what they send each other."""

from collections.abc import Iterator

import pytest

from tests.network.route_proxies import RouteProxies
from tests.servers.nats_cluster import Cluster, running_cluster


@pytest.fixture(scope="module")
def proxies() -> RouteProxies:
    """Return the network between the nodes."""
    return RouteProxies()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, proxies: RouteProxies) -> Iterator[Cluster]:
    """Return three nodes, whose network may lose what it is told to."""
    with running_cluster(tmp_path_factory.mktemp("nats"), proxies) as running:
        yield running
