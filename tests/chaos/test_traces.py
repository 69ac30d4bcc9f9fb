"""One connected trace for each run, over all processes and their deaths, with nothing private."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from infra.jetstream.connection import connected
from tests.chaos.proof import log_end, read_stories
from tests.e2e.graphs import Graph, external, node, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.network.ports import free_port
from tests.servers.otlp_collector import Collector, SentSpan, collector

pytestmark = pytest.mark.chaos

CALLER = "b7ad6b7169203331"
SERVER = 2
PROCESSES = {
    "api": ("app",),
    "projector": ("consumers", "projector"),
    "worker": ("consumers", "worker"),
}
SECRET = "a prompt that is nobody else's business"


def picture() -> Graph:
    """Save an image under a private name, beside a private text."""
    return {
        "1": external("Text", "prompt", default_value=""),
        "2": node("PreviewAny", source=["1", 0]),
        "3": node("EmptyImage", width=16, height=8, batch_size=1, color=7),
        "4": node("SaveImage", images=["3", 0], filename_prefix="private-name"),
    }


def to(collected: Collector, *, every: int = 200) -> dict[str, str]:
    """Return the settings that send to a collector, *every* so many milliseconds."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collected.url,
        "OTEL_BSP_SCHEDULE_DELAY": str(every),
    }


@pytest.fixture(scope="module")
async def collected(system: System) -> AsyncIterator[Collector]:
    """Restart comfyd's processes so that they send to a collector, and again when all is done."""
    with collector() as running:
        await restart(system, to(running))
        yield running
        await restart(system, {})


async def restart(system: System, settings: Mapping[str, str]) -> None:
    """Start comfyd's processes anew, with other settings."""
    for name, module in PROCESSES.items():
        system.kill(name)
        system.start_own(name, *module, **settings)
    await system.until_ready(system.url)


def caller() -> tuple[str, dict[str, str]]:
    """Return a new trace, and the header that begins it."""
    trace = uuid4().hex
    return trace, {"traceparent": f"00-{trace}-{CALLER}-01"}


def one(spans: list[SentSpan], name: str) -> SentSpan:
    """Return the one span of that name."""
    [found] = [span for span in spans if span.name == name]
    return found


def names(collected: Collector, trace: str) -> set[str]:
    """Return what was timed in a trace."""
    return {span.name for span in collected.of(trace)}


async def start(ada: Tenant, deployment: str, **inputs: object) -> tuple[str, str]:
    """Make a run within a new trace; return its id and the trace's."""
    trace, header = caller()
    answer = await ada.create(deployment, inputs, **header)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"]), trace


async def test_a_run_is_one_trace_from_its_request_to_the_last_fact(
    system: System, ada: Tenant, collected: Collector
) -> None:
    deployment = await ada.deploy(picture())
    before = await log_end(system)
    run_id, trace = await start(ada, deployment, prompt=SECRET)
    assert (await ada.ended(run_id))["status"] == "success"
    await asyncio.to_thread(
        collected.wait_for, lambda: {"run", "run.project"} <= names(collected, trace)
    )
    async with connected(system.env["NATS_URL"], name="tests") as client:
        story = (await read_stories(client, after=before))[run_id]
    spans = collected.of(trace)
    request, accept, run = (one(spans, n) for n in ("POST /v1/runs", "run.accept", "run"))
    parts = {span.name: span for span in spans if span.name.startswith("run.")}
    assert (request.parent, request.kind, request.service) == (CALLER, SERVER, "comfyd-api")
    assert request.attributes["http.route"] == "/v1/runs"
    assert request.attributes["http.response.status_code"] == 202
    assert (accept.parent, accept.service) == (request.id, "comfyd-api")
    assert (run.parent, run.service, run.failed) == (accept.id, "comfyd-worker", False)
    of_worker = {"run.wait", "run.prepare", "run.submit", "run.render", "run.upload"}
    assert parts.keys() == {"run.accept", "run.project", *of_worker}
    assert {parts[name].parent for name in (*of_worker, "run.project")} == {run.id}
    assert {parts[name].service for name in of_worker} == {"comfyd-worker"}
    assert parts["run.project"].service == "comfyd-projector"
    assert all(run.start <= parts[name].start <= parts[name].end <= run.end for name in of_worker)
    assert {span.attributes["comfyd.run.id"] for span in (run, *parts.values())} == {run_id}
    # Every fact says in which trace it was made.
    assert {e.meta.traceparent.split("-")[1] for e in story} == {trace}
    sent = b"".join(collected.bodies)
    token = ada.http.headers["Authorization"].removeprefix("Bearer ")
    for private in (SECRET, "private-name", token, "user:ada"):
        assert private.encode() not in sent


async def test_the_trace_goes_on_when_its_worker_is_killed(
    system: System, ada: Tenant, collected: Collector
) -> None:
    deployment = await ada.deploy(slow())
    run_id, trace = await start(ada, deployment, seconds=3, seed=71)
    await ada.reaches(run_id, "running")
    # The spans of the first worker that were over have arrived; the one that was not never will.
    await asyncio.to_thread(collected.wait_for, lambda: "run.submit" in names(collected, trace))
    async with system.without("worker"):
        pass
    assert (await ada.ended(run_id, within=60))["status"] == "success"
    await asyncio.to_thread(
        collected.wait_for, lambda: {"run", "run.project"} <= names(collected, trace)
    )
    spans = collected.of(trace)
    known = {span.id for span in spans} | {CALLER}
    assert {span.name for span in spans if span.parent not in known} == set()
    render, run = one(spans, "run.render"), one(spans, "run")
    assert (render.parent, render.attributes["comfyd.run.attempt"]) == (run.id, 1)
    assert {one(spans, name).parent for name in ("run.wait", "run.submit")} == {run.id}


async def test_what_fails_is_an_error_without_its_words(ada: Tenant, collected: Collector) -> None:
    deployment = await ada.deploy(
        picture()
        | {
            "5": node("StandinFail", image=["3", 0], message=SECRET),
            "6": node("SaveImage", images=["5", 0], filename_prefix="x"),
        }
    )
    run_id, trace = await start(ada, deployment)
    ended = await ada.ended(run_id)
    await asyncio.to_thread(collected.wait_for, lambda: "run" in names(collected, trace))
    run = one(collected.of(trace), "run")
    assert (ended["status"], run.failed) == ("failed", True)
    assert run.attributes["error.type"] == ended["error"]["code"]
    assert SECRET.encode() not in b"".join(collected.bodies)


async def test_no_address_is_sent_as_it_is(ada: Tenant, collected: Collector) -> None:
    trace, header = caller()
    for path in (f"/v1/organisations/{uuid4()}/members/{SECRET}", f"/v1/runs/{SECRET}", SECRET):
        answer = await ada.http.delete(path, headers=header)
        assert answer.status_code in {404, 405, 422}
    await asyncio.to_thread(collected.wait_for, lambda: len(collected.of(trace)) == 3)
    assert SECRET.encode() not in b"".join(collected.bodies)


async def test_an_api_that_is_asked_to_end_sends_what_it_has(system: System) -> None:
    with collector() as late:
        url = system.start_another_api("api-late", **to(late, every=600_000))
        await system.until_ready(url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=40) as http:
            refused = await http.get("/v1/runs", params={"ticket": "tkt_secret"})
        assert late.spans == []
        system.end("api-late")
        [span] = late.spans
    assert (span.name, span.service, span.parent) == ("GET /v1/runs", "comfyd-api", "")
    assert span.attributes["http.response.status_code"] == refused.status_code == 401
    assert b"tkt_secret" not in b"".join(late.bodies)


async def test_a_collector_that_is_away_harms_nobody(system: System) -> None:
    away = f"http://{LOOPBACK}:{free_port()}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": away, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    url = system.start_another_api("api-away", **settings)
    await system.until_ready(url)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=40) as http:
        answers = [await http.get("/v1/runs") for _ in range(50)]

    async def complained() -> bool:
        return "tracing.not_sent" in system.log_of("api-away")

    await eventually(complained)
    began = time.monotonic()
    system.end("api-away")
    took = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {401}
    assert system.log_of("api-away").count("tracing.not_sent") == 1
    assert took < 5


async def test_a_collector_that_hangs_holds_up_no_request_and_no_end(system: System) -> None:
    with socket.create_server((LOOPBACK, 0)) as hanging:
        hanging.settimeout(0)
        hung = f"http://{LOOPBACK}:{hanging.getsockname()[1]}"
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": hung, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        url = system.start_another_api("api-hung", **settings)
        await system.until_ready(url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=40) as http:
            answers = [await http.get("/v1/runs") for _ in range(50)]
        async with asyncio.timeout(10):
            connection, _ = await asyncio.get_running_loop().sock_accept(hanging)
        began = time.monotonic()
        system.end("api-hung")
        took = time.monotonic() - began
        connection.close()
    assert {answer.status_code for answer in answers} == {401}
    assert took < 5
