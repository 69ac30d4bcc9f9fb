"""Figures of the whole system, which one process shows for all: never summed over processes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from events import subjects
from infra.jetstream.health.figures import LogFigures
from infra.jetstream.health.replicas import Replica, StreamHealth


class RunFigures(Protocol):
    """What the read models say; see projections/figures.py."""

    @property
    def position(self) -> int: ...
    @property
    def open_runs(self) -> Mapping[str, int]: ...
    @property
    def waiting(self) -> Mapping[str, int]: ...
    @property
    def waiting_age(self) -> Mapping[str, float]: ...
    @property
    def machines(self) -> Mapping[str, int]: ...
    @property
    def quarantined(self) -> int: ...


class SharedFigures(Collector):
    """The last figures; what could not be found out is not shown, rather than shown as it was."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.log: LogFigures | None = None
        self.runs: RunFigures | None = None
        registry.register(self)

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield what is known."""
        if self.log:
            yield from _of_log(self.log)
        if self.runs:
            yield from _of_runs(self.runs)
        if self.runs and self.log and (log := self.log.streams.get(subjects.LOG)):
            yield _gauge(
                "comfyd_projection_lag_events",
                "Events that the read models are behind the log.",
                max(log.last - self.runs.position, 0),
            )


def _of_log(log: LogFigures) -> Iterator[Metric]:
    if events := log.streams.get(subjects.LOG):
        yield _gauge("comfyd_log_position", "Position of the log's last event.", events.last)
    yield _gauge(
        "comfyd_reactor_lag_events",
        "Events of the log from which no work has followed yet.",
        log.reactor_lag,
    )
    yield _gauges("comfyd_work_queue", "Work that is queued or in hand, by kind.", "work", log.work)
    streams = log.streams.items()
    for name, text, values in (
        ("messages", "Messages in a stream.", {n: s.messages for n, s in streams}),
        ("bytes", "Bytes of a stream on disk.", {n: s.bytes for n, s in streams}),
        ("replicas", "Replicas a stream is declared to have.", {n: s.copies for n, s in streams}),
    ):
        yield _gauges(f"comfyd_stream_{name}", text, "stream", values)
    yield from _of_replicas(log.streams.values())


def _of_replicas(streams: Iterable[StreamHealth]) -> Iterator[Metric]:
    labels = ["stream", "server"]
    current = GaugeMetricFamily(
        "comfyd_stream_replica_current",
        "1 if this server's copy of a stream is there and has caught up.",
        labels=labels,
    )
    lag = GaugeMetricFamily(
        "comfyd_stream_replica_lag",
        "Operations that this server's copy of a stream is behind its leader.",
        labels=labels,
    )
    for stream in streams:
        leader = Replica(node=stream.leader, silent=False, behind=0)
        for replica in (leader, *stream.replicas):
            current.add_metric([stream.name, replica.node], not (replica.silent or replica.behind))
            lag.add_metric([stream.name, replica.node], replica.lag)
    yield current
    yield lag


def _of_runs(runs: RunFigures) -> Iterator[Metric]:
    yield _gauge("comfyd_projection_position", "How far the read models are.", runs.position)
    yield _gauges("comfyd_runs_open", "Runs that have not ended.", "status", runs.open_runs)
    yield _gauges(
        "comfyd_runs_waiting", "Open runs that wait, by what they wait for.", "reason", runs.waiting
    )
    yield _gauges(
        "comfyd_waiting_age_seconds",
        "Seconds since the oldest run that waits for this was made; 0 if there is none.",
        "reason",
        runs.waiting_age,
    )
    yield _gauges("comfyd_machines", "Registered machines, by state.", "state", runs.machines)
    yield _gauge(
        "comfyd_quarantined_aggregates",
        "Aggregates that the projector could not fold.",
        runs.quarantined,
    )


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
