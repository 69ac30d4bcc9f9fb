"""Whether a process is connected to NATS, and how often it had to connect again."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from infra.jetstream.connection import Client


class NatsConnections(Collector):
    """The connections of one process, by name; asked at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._clients: dict[str, Callable[[], Client | None]] = {}
        registry.register(self)

    def add(self, name: str, client: Callable[[], Client | None]) -> None:
        """Show a connection from now on; *client* may return None while there is none."""
        self._clients[name] = client

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield the state of each connection."""
        connected = GaugeMetricFamily(
            "comfyd_nats_connected",
            "1 if this connection to NATS is up.",
            labels=["connection"],
        )
        reconnects = CounterMetricFamily(
            "comfyd_nats_reconnects",
            "How often this connection to NATS was lost and made again.",
            labels=["connection"],
        )
        for name, find in self._clients.items():
            client = find()
            connected.add_metric([name], 1 if client and client.is_connected else 0)
            reconnects.add_metric([name], client.stats["reconnects"] if client else 0)
        yield connected
        yield reconnects
