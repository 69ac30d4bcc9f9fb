"""Begins to trace a process, if its environment says where to."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.telemetry.tracing import spans

if TYPE_CHECKING:
    from infra.telemetry.tracing.sdk import OtelTracer

PREFIX = "OTEL_"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_wanted(env: Mapping[str, str]) -> bool:
    """Return whether spans have somewhere to go, and are not switched off."""
    off = env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = env.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return any(env.get(name) for name in ENDPOINTS) and not off and exporter in {"", "otlp"}


@contextmanager
def tracing(service: str) -> Iterator["OtelTracer | None"]:
    """Trace this process, called *service* unless OTEL_SERVICE_NAME says otherwise."""
    if not is_wanted(os.environ):
        yield None
        return
    # Set to nothing is not set, says OpenTelemetry; its SDK complains of some.
    for name in [n for n, value in os.environ.items() if n.startswith(PREFIX) and not value]:
        del os.environ[name]
    # It takes time and memory, so only those have it who asked for it.
    from infra.telemetry.tracing.sdk import open_tracer  # noqa: PLC0415

    with open_tracer(service) as tracer, spans.using(tracer):
        yield tracer
