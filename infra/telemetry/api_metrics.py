"""What an API process counts. Nothing here names a tenant, a run, a machine or an address."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

ACCEPT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Checked(StrEnum):
    """What came of looking at a limit."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    UNCHECKED = "unchecked"
    """It could not be checked: Postgres did not answer."""


class CallbackOutcome(StrEnum):
    """What a callback of a machine was."""

    TAKEN = "taken"
    FORGED = "forged"
    FOREIGN = "foreign"
    LATE = "late"
    UNREADABLE = "unreadable"
    """Its body is no JSON object, is too large, or an image in it is none."""

    UNCHECKED = "unchecked"
    """The log or the storage did not answer."""

    DROPPED = "dropped"
    """Too many were waiting."""


class ApiMetrics:
    """The counters of an API process."""

    def __init__(self, registry: CollectorRegistry, codes: Iterable[str] = ()) -> None:
        """Count in *registry*; *codes* are those of all refusals there are.

        Each begins at 0: a counter that appears with its first refusal is not seen to rise.
        """
        self.registry = registry
        self._runs = Counter("comfyd_runs_accepted", "Runs that were accepted.", registry=registry)
        self._replays = Counter(
            "comfyd_accepts_replayed",
            "Requests that were answered with what an earlier one of their key had made.",
            registry=registry,
        )
        self._seconds = Histogram(
            "comfyd_accept_duration_seconds",
            "From checked inputs to the log's acknowledgement, for a run or a batch.",
            buckets=ACCEPT_SECONDS,
            registry=registry,
        )
        responses = Counter(
            "comfyd_http_responses", "Answers by status code.", ["code"], registry=registry
        )
        refusals = Counter(
            "comfyd_refusals",
            "Requests that were refused, by the code of docs/errors.md.",
            ["code"],
            registry=registry,
        )
        checks = Counter(
            "comfyd_limit_checks",
            "Looks at a rate limit (address, default) or the quotas (quota).",
            ["limit", "outcome"],
            registry=registry,
        )
        # Finding the series of some labels costs five times as much as counting in it.
        self._responses = cache(responses.labels)
        self._refusals = cache(refusals.labels)
        self._checks = cache(checks.labels)
        for code in codes:
            self._refusals(code)
        for limit in ("address", "default", "quota"):
            for outcome in Checked:
                self._checks(limit, outcome)
        callbacks = Counter(
            "comfyd_callbacks",
            "Callbacks of machines with the plugin of comfyui-deploy, by what they were.",
            ["outcome"],
            registry=registry,
        )
        self._callbacks = cache(callbacks.labels)
        for heard in CallbackOutcome:
            self._callbacks(heard)
        self._limits = Gauge(
            "comfyd_limit", "Limits as they are set; 0 is none.", ["setting"], registry=registry
        )
        self._parts = Gauge(
            "comfyd_part_up",
            "1 if this process can use the log, the storage, the read models.",
            ["part"],
            registry=registry,
        )
        self._clients = Gauge(
            "comfyd_sse_clients", "Open event streams.", ["stream"], registry=registry
        )
        self._slow = Counter(
            "comfyd_sse_slow_clients",
            "Streams that were ended because their client did not read.",
            registry=registry,
        )
        self._batch_streams = self._clients.labels("batch")

    def accepted(self, runs: int, *, replayed: bool, seconds: float = 0.0) -> None:
        """Count a request that was answered with that many runs, made now or before."""
        if replayed:
            self._replays.inc()
        else:
            self._runs.inc(runs)
            self._seconds.observe(seconds)

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._responses(status).inc()

    def refused(self, code: str) -> None:
        """Count a refusal by its stable code."""
        self._refusals(code).inc()

    def checked(self, limit: str, outcome: Checked) -> None:
        """Count a look at a limit."""
        self._checks(limit, outcome).inc()

    def called_back(self, outcome: CallbackOutcome) -> None:
        """Count a callback of a machine."""
        self._callbacks(outcome).inc()

    def show_limits(self, limits: Mapping[str, int]) -> None:
        """Show how limits are set, by the name of their setting."""
        for setting, limit in limits.items():
            self._limits.labels(setting).set(limit)

    def show_parts(self, parts: Mapping[str, bool]) -> None:
        """Show which parts this process can use."""
        for part, up in parts.items():
            self._parts.labels(part).set(up)

    def show_run_streams(self, clients: Callable[[], int]) -> None:
        """Show how many clients follow a run, asked at each scrape."""
        self._clients.labels("run").set_function(clients)

    def too_slow(self) -> None:
        """Count a stream that was ended because its client did not read."""
        self._slow.inc()

    @contextmanager
    def tenant_stream(self, stream: str) -> Iterator[None]:
        """Count a client that follows a tenant during the block: its events, or its changes."""
        with self._clients.labels(stream).track_inprogress():
            yield

    @contextmanager
    def batch_stream(self) -> Iterator[None]:
        """Count a client that follows a batch during the block."""
        with self._batch_streams.track_inprogress():
            yield
