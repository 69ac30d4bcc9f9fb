"""A NATS cluster of three processes on loopback, whose nodes can be killed and restarted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.embedded.child import Child, Command, start
from infra.embedded.nats_server import nats_binary
from infra.embedded.ports import free_port
from tests.nats_monitor import is_healthy

_CONFIG = """\
server_name: node{number}
listen: 127.0.0.1:{client}
http: 127.0.0.1:{monitor}
jetstream {{ store_dir: "{folder}/data", sync_interval: always }}
feature_flags {{ js_ack_fc_v2: false }}
cluster {{ name: test, listen: 127.0.0.1:{route}, routes: [{routes}] }}
"""


class Cluster:
    """Three nodes."""

    def __init__(self, folder: Path) -> None:
        taken: dict[str, int] = {}
        for number in range(3):
            for use in ("client", "monitor", "route"):
                taken[f"{use}{number}"] = free_port(taken)
        self._ports = taken
        self._folder = folder
        self.nodes: list[Child] = []

    @property
    def url(self) -> str:
        """The addresses of all nodes."""
        return ",".join(f"nats://127.0.0.1:{self._ports[f'client{n}']}" for n in range(3))

    def start(self, number: int) -> Child:
        """Start a node."""
        folder = self._folder / f"node{number}"
        folder.mkdir(parents=True, exist_ok=True)
        routes = ", ".join(f"nats://127.0.0.1:{self._ports[f'route{n}']}" for n in range(3))
        config = folder / "nats.conf"
        config.write_text(
            _CONFIG.format(
                number=number,
                folder=folder,
                routes=routes,
                client=self._ports[f"client{number}"],
                monitor=self._ports[f"monitor{number}"],
                route=self._ports[f"route{number}"],
            ),
            encoding="utf-8",
        )
        argv = (str(nats_binary()), "-c", str(config))
        return start(
            Command(name=f"node{number}", argv=argv, folder=folder, log=folder / "nats.log")
        )

    def wait_ready(self) -> None:
        """Wait until every node serves JetStream."""
        deadline = time.monotonic() + 30
        for number in range(3):
            while not is_healthy(self._ports[f"monitor{number}"]):
                assert time.monotonic() < deadline, "the cluster does not come up"
                time.sleep(0.1)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster for as long as the context lasts."""
    cluster = Cluster(folder)
    cluster.nodes = [cluster.start(number) for number in range(3)]
    try:
        cluster.wait_ready()
        yield cluster
    finally:
        for node in cluster.nodes:
            node.stop(2)
