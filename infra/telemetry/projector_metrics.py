"""What the projector counts as it folds: each fact once, whichever process recorded it.

Of two projectors one folds each fact, so their counters add up to the truth.
"""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from events.codec import TYPES
from events.envelope import Entry, Unreadable
from events.run.events import Ending, FileUploaded, ImageUploaded, StatusChanged
from events.run.status import TERMINAL

RUN_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
UPLOAD_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
OUR_ERRORS = (
    "internal",
    "machine_lost_run",
    "machine_unreachable",
    "storage_unreachable",
    "queue_timeout",
    "run_timeout",
)
"""Errors that no graph causes. They begin at 0, so that the first one is seen as a rise."""

UNREADABLE = "unreadable"
"""The type of what this version cannot read: types of strangers are no closed set."""


class ProjectorMetrics:
    """The counters of a projector."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._events = Counter(
            "comfyd_projected_events",
            "Events that were folded into the read models, by type.",
            ["type"],
            registry=registry,
        )
        for name in (*TYPES, UNREADABLE):
            self._events.labels(name)
        self._ended = Counter(
            "comfyd_runs_ended", "Runs that ended, by status.", ["status"], registry=registry
        )
        for status in sorted(TERMINAL):
            self._ended.labels(status)
        self._errors = Counter(
            "comfyd_run_errors",
            "Runs that ended with an error, by its code in docs/errors.md.",
            ["code"],
            registry=registry,
        )
        for code in OUR_ERRORS:
            self._errors.labels(code)
        self._durations = Histogram(
            "comfyd_run_duration_seconds",
            "What ended runs took: wait, render, total, as docs/analyse-runs.md defines them.",
            ["part"],
            buckets=RUN_SECONDS,
            registry=registry,
        )
        self._gpu_seconds = Counter(
            "comfyd_run_gpu_seconds",
            "Seconds for which ended runs held a machine.",
            registry=registry,
        )
        self._uploads = Histogram(
            "comfyd_upload_duration_seconds",
            "Time to store one file: from its machine (output) or from its sender (input).",
            ["role"],
            buckets=UPLOAD_SECONDS,
            registry=registry,
        )
        self._uploaded = Counter(
            "comfyd_uploaded_bytes", "Bytes of stored files.", ["role"], registry=registry
        )
        for part in ("wait", "render", "total"):
            self._durations.labels(part)
        for role in ("input", "output"):
            self._uploads.labels(role)
            self._uploaded.labels(role)
        self._restarts = Counter(
            "comfyd_projector_restarts",
            "How often the projector began anew after NATS or Postgres went away.",
            registry=registry,
        )

    def folded(self, entries: Sequence[Entry]) -> None:
        """Count what was folded; it is committed."""
        for entry in entries:
            if isinstance(entry, Unreadable) or entry.type not in TYPES:
                self._events.labels(UNREADABLE).inc()
                continue
            self._events.labels(entry.type).inc()
            self._count(entry.event)

    def restarted(self) -> None:
        """Count a new start."""
        self._restarts.inc()

    def _took(self, ending: Ending) -> None:
        self._durations.labels("wait").observe(ending.wait_seconds)
        self._durations.labels("total").observe(ending.total_seconds)
        if ending.began_at is not None:
            self._durations.labels("render").observe(ending.render_seconds)
        self._gpu_seconds.inc(ending.gpu_seconds)

    def _count(self, event: object) -> None:
        match event:
            case StatusChanged() if event.status in TERMINAL:
                self._ended.labels(event.status).inc()
                if event.error:
                    self._errors.labels(event.error.code).inc()
                if event.ending:
                    self._took(event.ending)
            case ImageUploaded():
                self._uploads.labels(event.role).observe(event.upload_duration)
                self._uploaded.labels(event.role).inc(event.bytes)
            case FileUploaded():
                self._uploads.labels("output").observe(event.upload_duration)
                self._uploaded.labels("output").inc(event.bytes)
            case _:
                pass
