"""The tracer that sends, by OpenTelemetry's SDK and OTLP over HTTP; loaded only where wanted."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from infra.telemetry.tracing.spans import Attribute, Attributes, dotted

log = logging.getLogger(__name__)

FLUSH_WITHIN = 1.5
"""Seconds for the last spans at the end of a process: `comfyd up` gives it 5 s, 3 are used."""

COMPLAIN_EVERY = 300.0
"""Seconds between two lines about a collector that is away."""

_NAME = "comfyd"
_W3C = TraceContextTextMapPropagator()
_identity: ContextVar[tuple[int, int] | None] = ContextVar("identity", default=None)


class _Ids(RandomIdGenerator):
    """Random ids, but for the span of a run: see spans.of_run."""

    @override
    def generate_span_id(self) -> int:
        given = _identity.get()
        return given[1] if given else super().generate_span_id()

    @override
    def generate_trace_id(self) -> int:
        given = _identity.get()
        return given[0] if given else super().generate_trace_id()


class OtelSpan:
    """A span of OpenTelemetry's as ours."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, **attributes: Attribute) -> None:
        """Add *attributes*; `__` in a name stands for a dot."""
        self._span.set_attributes(dotted(attributes))

    def rename(self, name: str) -> None:
        """Call it otherwise."""
        self._span.update_name(name)

    def fail(self, kind: str) -> None:
        """Mark it as failed, by the name of the fault; a message might quote what is private."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


class OtelTracer:
    """Makes spans of OpenTelemetry."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(_NAME, version(_NAME))

    @contextmanager
    def span(self, name: str, parent: str, attributes: Attributes) -> Iterator[OtelSpan]:
        """Time a block; with no *parent* it belongs to the block around it."""
        context = _context(parent) if parent else None
        with self._timed(name, context, SpanKind.INTERNAL, attributes) as found:
            yield found

    @contextmanager
    def request(
        self, name: str, headers: Mapping[str, str], attributes: Attributes
    ) -> Iterator[OtelSpan]:
        """Time a request, as a part of the trace that its headers name."""
        with self._timed(name, extract(headers), SpanKind.SERVER, attributes) as found:
            yield found

    def record(
        self,
        name: str,
        *,
        parent: str,
        start: datetime,
        end: datetime,
        attributes: Attributes,
        identity: str = "",
        error: str = "",
    ) -> None:
        """Add a span that is over; with *identity*, a traceparent, it is just that one."""
        given = _identity.set(_ids(identity) if identity else None)
        try:
            begun = self._tracer.start_span(
                name, _context(parent), attributes=attributes, start_time=_nanoseconds(start)
            )
        finally:
            _identity.reset(given)
        if error:
            OtelSpan(begun).fail(error)
        begun.end(_nanoseconds(max(start, end)))

    def current(self) -> str:
        """Return the traceparent of the block around; empty outside of all."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent", "")

    @contextmanager
    def _timed(
        self, name: str, context: Context | None, kind: SpanKind, attributes: Attributes
    ) -> Iterator[OtelSpan]:
        with self._tracer.start_as_current_span(
            name,
            context,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as begun:
            found = OtelSpan(begun)
            try:
                yield found
            except Exception as error:
                found.fail(type(error).__qualname__)
                raise


@contextmanager
def open_tracer(service: str) -> Iterator[OtelTracer]:
    """Send spans to the collector that the environment names, while the context lasts.

    Everything else is OpenTelemetry's own to read: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
    OTEL_TRACES_SAMPLER, OTEL_BSP_… and OTEL_EXPORTER_OTLP_….
    """
    _complain_seldom()
    provider = TracerProvider(
        resource=_resource(service), shutdown_on_exit=False, id_generator=_Ids()
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield OtelTracer(provider)
    finally:
        # A collector that does not answer may hold it up: then it ends with the process.
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(FLUSH_WITHIN)


def _resource(service: str) -> Resource:
    found = Resource.create({"service.version": version(_NAME)})
    if str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        found = found.merge(Resource({SERVICE_NAME: service}))
    return found


def _context(parent: str) -> Context:
    return _W3C.extract({"traceparent": parent}, Context())


def _ids(traceparent: str) -> tuple[int, int]:
    _, trace_id, span_id, _ = traceparent.split("-")
    return int(trace_id, 16), int(span_id, 16)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000


class _Seldom(logging.Handler):
    """Passes on what OpenTelemetry says of its collector, once in a while."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._next = 0.0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + COMPLAIN_EVERY
            log.warning("tracing.not_sent", extra={"error": record.getMessage()})


def _complain_seldom() -> None:
    own = logging.getLogger("opentelemetry")
    own.handlers = [_Seldom()]
    own.propagate = False
