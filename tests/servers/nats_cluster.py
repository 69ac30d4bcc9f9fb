"""A NATS cluster of three processes on loopback, whose nodes can be killed and restarted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.embedded.child import Child, Command, start
from infra.embedded.nats_server import nats_binary
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.streams import declared as streams
from tests.network.ports import free_port
from tests.network.route_proxies import RouteProxies
from tests.servers.nats_monitor import is_healthy

_CONFIG = """\
server_name: node{number}
listen: 127.0.0.1:{client}
authorization {{ users: [{{ user: comfyd, password: {password} }}] }}
accounts {{ $SYS {{ users: [{{ user: system, password: {password} }}] }} }}
http: 127.0.0.1:{monitor}
jetstream {{ store_dir: "{folder}/data", sync_interval: always }}
feature_flags {{ js_ack_fc_v2: false }}
cluster {{
  name: test, listen: 127.0.0.1:{route}, advertise: "127.0.0.1:{advertised}", routes: [{routes}]
}}
"""

PASSWORD = "a-password-of-the-tests"
NODES = 3


class Cluster:
    """Three nodes; with *proxies*, these are all the network that there is between them."""

    def __init__(self, folder: Path, proxies: RouteProxies | None = None) -> None:
        uses = ("client", "monitor", "route")
        self._ports = {f"{use}{number}": free_port() for use in uses for number in range(NODES)}
        routes = [self._ports[f"route{number}"] for number in range(NODES)]
        self._advertised = proxies.start(routes) if proxies else routes
        self._folder = folder
        self.nodes: list[Child] = []

    @property
    def url(self) -> str:
        """The addresses of all nodes."""
        return ",".join(self.url_of(number) for number in range(NODES))

    def url_of(self, number: int) -> str:
        """Return the address of one node."""
        return f"nats://comfyd:{PASSWORD}@127.0.0.1:{self._ports[f'client{number}']}"

    def start(self, number: int) -> Child:
        """Start a node."""
        folder = self._folder / f"node{number}"
        folder.mkdir(parents=True, exist_ok=True)
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self._advertised)
        config = folder / "nats.conf"
        config.write_text(
            _CONFIG.format(
                number=number,
                password=PASSWORD,
                folder=folder,
                routes=routes,
                client=self._ports[f"client{number}"],
                monitor=self._ports[f"monitor{number}"],
                route=self._ports[f"route{number}"],
                advertised=self._advertised[number],
            ),
            encoding="utf-8",
        )
        argv = (str(nats_binary()), "-c", str(config))
        return start(
            Command(name=f"node{number}", argv=argv, folder=folder, log=folder / "nats.log")
        )

    def store_of(self, number: int) -> Path:
        """Return where a node keeps its streams."""
        return self._folder / f"node{number}" / "data"

    def kill(self, number: int) -> None:
        """Kill -9 a node, and wait for its end."""
        self.nodes[number].kill()

    def restart(self, number: int) -> None:
        """Start a node that has ended, with the data it had."""
        self.nodes[number] = self.start(number)

    def wait_ready(self) -> None:
        """Wait until every node serves JetStream, and has caught up."""
        deadline = time.monotonic() + 30
        for number in range(NODES):
            while not is_healthy(self._ports[f"monitor{number}"]):
                assert time.monotonic() < deadline, "the cluster does not come up"
                time.sleep(0.1)


@contextmanager
def running_cluster(folder: Path, proxies: RouteProxies | None = None) -> Iterator[Cluster]:
    """Start a cluster for as long as the context lasts."""
    cluster = Cluster(folder, proxies)
    cluster.nodes = [cluster.start(number) for number in range(NODES)]
    try:
        cluster.wait_ready()
        yield cluster
    finally:
        for node in cluster.nodes:
            node.stop(2)
        if proxies:
            proxies.stop()


async def leader_of(client: Client, stream: str) -> int:
    """Return the number of the node that leads a stream."""
    info = await api(client, f"STREAM.INFO.{stream}", {}, within=5)
    return int(info["cluster"]["leader"].removeprefix("node"))


async def migrated(client: Client) -> None:
    """Create the streams with three replicas, as soon as the nodes have found each other."""
    await streams.migrate(client, replicas=NODES)
