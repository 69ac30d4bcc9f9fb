"""What a worker counts: the work it does, and how looks at machines end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

KINDS_OF_WORK = ("render", "upload", "erase", "batch", "observe", "thumbnail")


class Delivered(StrEnum):
    """What came of one delivery of a piece of work."""

    DONE = "done"
    LATER = "later"
    """It cannot be done now: a machine or the storage is away, or others go first."""

    POSTPONED = "postponed"
    """NATS did not answer."""

    SUPERSEDED = "superseded"
    BROKEN = "broken"
    """An error that was not foreseen; it is tried again."""

    BURIED = "buried"
    """Broken so often that it is a dead letter now."""


class Look(StrEnum):
    """What came of a look at a machine."""

    SEEN = "seen"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """Its answer cannot be used."""

    UNUSABLE = "unusable"
    """Its secret cannot be read, or its address is not allowed."""


class WorkerMetrics:
    """The counters of a worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._deliveries = Counter(
            "comfyd_work_deliveries",
            "Pieces of work that were delivered, by kind and by what came of it.",
            ["work", "outcome"],
            registry=registry,
        )
        for work in KINDS_OF_WORK:
            for outcome in Delivered:
                self._deliveries.labels(work, outcome)
        self._in_hand = Gauge(
            "comfyd_work_in_hand",
            "Pieces of work that this worker is doing.",
            ["work"],
            registry=registry,
        )
        for work in KINDS_OF_WORK:
            self._in_hand.labels(work)
        self._looks = Counter(
            "comfyd_machine_looks",
            "Looks at machines, by what came of it.",
            ["outcome"],
            registry=registry,
        )
        self._served = Gauge(
            "comfyd_served_machines",
            "Machines for whose runs this worker listens.",
            registry=registry,
        )
        for look in Look:
            self._looks.labels(look)

    def delivered(self, work: str, outcome: Delivered) -> None:
        """Count a delivery; *work* is one of KINDS_OF_WORK."""
        self._deliveries.labels(work, outcome).inc()

    @contextmanager
    def in_hand(self, work: str) -> Iterator[None]:
        """Count a piece of work in during the block."""
        with self._in_hand.labels(work).track_inprogress():
            yield

    def looked(self, outcome: Look) -> None:
        """Count a look at a machine."""
        self._looks.labels(outcome).inc()

    def show_served(self, machines: Callable[[], int]) -> None:
        """Show how many machines are served, asked at each scrape."""
        self._served.set_function(machines)
