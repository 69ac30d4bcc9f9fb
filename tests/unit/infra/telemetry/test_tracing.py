"""Traces: none, and nothing loaded for them, unless the environment says where to."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from infra.telemetry.tracing import spans
from infra.telemetry.tracing.setup import is_wanted
from tests.servers.otlp_collector import collector

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
RUN_ID = UUID("0190e0aa-0000-7000-8000-000000000001")
TRACE = "0af7651916cd43dd8448eb211c80319c"
BEGUN_BY = f"00-{TRACE}-b7ad6b7169203331-01"
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_SERVICE_NAME": "mine"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "true"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_spans_are_sent_where_the_environment_says_so(
    env: Mapping[str, str], *, wanted: bool
) -> None:
    assert is_wanted(env) == wanted


def test_without_a_collector_no_process_loads_the_sdk() -> None:
    program = (
        "import sys, app.__main__, consumers.__main__, consumers.worker\n"
        "from infra.telemetry.tracing.setup import tracing\n"
        "with tracing('comfyd-api') as tracer: assert tracer is None\n"
        "loaded = ('opentelemetry.sdk', 'google', 'requests')\n"
        "print([name for name in sys.modules if name.startswith(loaded)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_a_collector_a_trace_is_passed_on_as_it_is() -> None:
    with spans.span("anything", a=1) as found:
        found.set(b=2)
        assert spans.current() == ""
    assert spans.of_run(RUN_ID, BEGUN_BY) == BEGUN_BY
    spans.run_part("part", RUN_ID, BEGUN_BY, start=NOW, end=NOW)
    spans.whole_run(RUN_ID, BEGUN_BY, start=NOW, end=NOW)


PROGRAM = """
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID
from infra.telemetry.tracing import spans
from infra.telemetry.tracing.setup import tracing
run_id, begun_by = UUID(sys.argv[1]), sys.argv[2]
now = datetime(2026, 11, 30, tzinfo=UTC)
with tracing("comfyd-worker"):
    with spans.run_span("run.render", run_id, begun_by, comfyd__run__attempt=1):
        print(spans.current())
    try:
        with spans.run_span("run.upload", run_id, begun_by):
            raise ValueError("a secret")
    except ValueError:
        pass
    for _ in range(2):
        spans.whole_run(run_id, begun_by, start=now - timedelta(seconds=9), end=now, error="broke")
"""


@pytest.mark.parametrize(
    ("begun_by", "trace", "parent"),
    [
        (BEGUN_BY, TRACE, "b7ad6b7169203331"),
        # Made while nobody collected, or by somebody who wrote what he liked.
        ("", RUN_ID.hex, ""),
        ("nonsense", RUN_ID.hex, ""),
    ],
)
def test_the_span_of_a_run_is_the_same_whoever_sends_it(
    begun_by: str, trace: str, parent: str
) -> None:
    with collector() as collected:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collected.url,
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "OTEL_SERVICE_NAME": "mine",
        }
        argv = [sys.executable, "-c", PROGRAM, str(RUN_ID), begun_by]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    render, upload, run, again = collected.spans
    assert {(span.trace, span.service) for span in collected.spans} == {(trace, "mine")}
    assert (run.id, run.parent) == (again.id, parent)
    assert (render.parent, upload.parent) == (run.id, run.id)
    assert done.stdout.strip() == f"00-{trace}-{render.id}-01"
    assert render.attributes == {"comfyd.run.id": str(RUN_ID), "comfyd.run.attempt": 1}
    assert (upload.failed, upload.attributes["error.type"]) == (True, "ValueError")
    assert (run.failed, run.attributes["error.type"]) == (True, "broke")
    assert run.end - run.start == timedelta(seconds=9).total_seconds() * 1e9
    assert b"a secret" not in b"".join(collected.bodies)


def test_who_asks_not_to_be_sampled_is_not() -> None:
    with collector() as collected:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.url}
        argv = [sys.executable, "-c", PROGRAM, str(RUN_ID), BEGUN_BY[:-1] + "0"]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert (collected.spans, done.stdout.strip()[-2:]) == ([], "00")
