"""A collector of OpenTelemetry traces: takes OTLP over HTTP as a real one does, and keeps it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from typing_extensions import override

from infra.embedded.ports import LOOPBACK


class SentSpan(Struct, frozen=True, kw_only=True):
    """A span as it arrived."""

    name: str
    service: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    start: int
    end: int
    attributes: dict[str, Any]


class Collector:
    """Spans that arrived, and the bytes in which they came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[SentSpan]:
        """All spans so far."""
        return [span for body in list(self.bodies) for span in _spans(body)]

    def of(self, trace: str) -> list[SentSpan]:
        """Return the spans of one trace."""
        return [span for span in self.spans if span.trace == trace]

    def wait_for(self, found: Callable[[], bool], *, within: float = 60.0) -> None:
        """Wait until something is found in what arrived."""
        deadline = time.monotonic() + within
        while not found():
            assert time.monotonic() < deadline, [span.name for span in self.spans]
            time.sleep(0.05)


@contextmanager
def collector() -> Iterator[Collector]:
    """Collect while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert (self.path, self.headers["Content-Type"]) == (
                "/v1/traces",
                "application/x-protobuf",
            )
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    kept = Collector(f"http://{LOOPBACK}:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans(body: bytes) -> Iterator[SentSpan]:
    for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = {pair.key: _value(pair.value) for pair in sent.resource.attributes}
        for scope in sent.scope_spans:
            for span in scope.spans:
                yield SentSpan(
                    name=span.name,
                    service=str(resource["service.name"]),
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    kind=span.kind,
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    attributes={pair.key: _value(pair.value) for pair in span.attributes},
                )


def _value(value: AnyValue) -> Any:
    return getattr(value, str(value.WhichOneof("value")))
