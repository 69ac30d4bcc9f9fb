"""What each process shows to Prometheus, while real runs are made, refused and followed."""

import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.e2e.graphs import card, slow
from tests.e2e.sse import following
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.observe.metrics_page import MetricsPage, documented, scraped

SHARED = {
    "comfyd_log_position",
    "comfyd_machines",
    "comfyd_projection_lag_events",
    "comfyd_projection_position",
    "comfyd_quarantined_aggregates",
    "comfyd_reactor_lag_events",
    "comfyd_runs_open",
    "comfyd_runs_waiting",
    "comfyd_stream_bytes",
    "comfyd_stream_messages",
    "comfyd_stream_replica_current",
    "comfyd_stream_replica_lag",
    "comfyd_stream_replicas",
    "comfyd_waiting_age_seconds",
    "comfyd_work_queue",
}
PARTS = ("wait", "render", "total")
ROOT = Path(__file__).parents[3]


class Pages:
    """Two looks at every process, so that only what happened between them counts."""

    def __init__(self, before: MetricsPage, after: MetricsPage) -> None:
        self.before = before
        self.after = after

    def rise(self, name: str, **labels: str) -> float:
        """Return by how much a counter rose."""
        return self.after.value(name, **labels) - self.before.value(name, **labels)


async def page_of(system: System, name: str) -> MetricsPage:
    return await scraped(system.internal_urls[name])


async def test_the_api_counts_what_it_accepts_answers_again_and_refuses(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(card())
    before, ended = await page_of(system, "api"), await page_of(system, "projector")
    key = uuid4().hex
    for _ in range(3):
        await ada.create(deployment, {"colour": 1}, Idempotency_Key=key)
    await ada.create(deployment, {"colour": 1, "unknown": 2})
    await ada.http.get(f"/v1/runs/{uuid4()}")
    body = {"deployment_id": deployment, "inputs": [{"colour": n} for n in range(5)]}
    await ada.http.post("/v1/batches", json=body)
    async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40) as stranger:
        await stranger.get("/v1/runs")
        await stranger.get("/v1/runs?" + 9000 * "x")

    pages = Pages(before, await page_of(system, "api"))

    assert pages.rise("comfyd_runs_accepted_total") == 6
    assert pages.rise("comfyd_accepts_replayed_total") == 2
    assert pages.rise("comfyd_accept_duration_seconds_count") == 2
    assert 0 < pages.rise("comfyd_accept_duration_seconds_sum") < 60
    assert {
        code: pages.rise("comfyd_refusals_total", code=code)
        for code in ("invalid_inputs", "not_found", "unauthorized", "request_uri_too_long")
    } == {"invalid_inputs": 1, "not_found": 1, "unauthorized": 1, "request_uri_too_long": 1}
    assert pages.rise("comfyd_refusals_total") == 4
    assert pages.rise("comfyd_http_responses_total") == 7
    assert pages.rise("comfyd_http_responses_total", code="202") == 4
    assert pages.rise("comfyd_limit_checks_total", limit="default", outcome="admitted") == 6
    assert pages.rise("comfyd_limit_checks_total", limit="address", outcome="admitted") == 7
    parts = pages.after.by("comfyd_part_up", "part")
    assert {parts[part] for part in ("log", "storage", "read_models", "replicas")} == {1}
    assert pages.after.value("comfyd_nats_connected", connection="api") == 1

    async def all_ended() -> bool:
        now = Pages(ended, await page_of(system, "projector"))
        return now.rise("comfyd_runs_ended_total") == 6

    await eventually(all_ended)


async def test_streams_are_counted_while_they_are_open(system: System, ada: Tenant) -> None:
    run_id = await ada.start(await ada.deploy(slow()), {"seed": 4711})

    async def clients(count: int) -> bool:
        page = await page_of(system, "api")
        return page.value("comfyd_sse_clients", stream="run") == count

    async with following(ada.http, run_id) as stream:
        await stream.next()
        await eventually(lambda: clients(1))
    await eventually(lambda: clients(0))
    await ada.cancel(run_id)
    await ada.ended(run_id)


async def test_each_fact_is_counted_once_as_it_is_folded(system: System, ada: Tenant) -> None:
    deployment = await ada.deploy(card())

    async def idle() -> MetricsPage | None:
        """Return the worker's page once the runs of other tests are out of its hands."""
        page = await page_of(system, "worker")
        return page if page.value("comfyd_work_in_hand", work="render") == 0 else None

    work_before = await eventually(idle)
    before = await page_of(system, "projector")
    run = await ada.run(deployment, {"colour": 3})

    async def folded() -> MetricsPage | None:
        page = await page_of(system, "projector")
        caught_up = page.value("comfyd_projection_position") >= int(run["position"])
        return page if caught_up else None

    pages = Pages(before, await eventually(folded))
    work = Pages(work_before, await page_of(system, "worker"))

    assert pages.rise("comfyd_projected_events_total", type="run.created.v1") == 1
    assert pages.rise("comfyd_runs_ended_total", status="success") == 1
    assert pages.rise("comfyd_runs_ended_total") == 1
    assert pages.rise("comfyd_run_errors_total") == 0
    assert pages.rise("comfyd_upload_duration_seconds_count", role="output") == 1
    took = {part: pages.rise("comfyd_run_duration_seconds_count", part=part) for part in PARTS}
    assert took == dict.fromkeys(PARTS, 1)
    assert 0 < pages.rise("comfyd_run_duration_seconds_sum", part="total") < 60
    assert pages.rise("comfyd_uploaded_bytes_total", role="output") == run["outputs"][0]["bytes"]
    assert work.rise("comfyd_work_deliveries_total", work="render", outcome="done") == 1
    assert work.after.value("comfyd_served_machines") >= 1


async def test_the_projector_shows_what_is_open_and_waits(system: System, ada: Tenant) -> None:
    """All of it at the same moment: a machine that renders, and one that is away."""
    # Runs that other tests have left behind are there before and after.
    before, began = await page_of(system, "projector"), time.monotonic()
    away = await ada.deploy(card(), machine_url=system.another_machine_url(), name="away")
    waits = await ada.start(away, {"colour": 1})
    runs = await ada.start(await ada.deploy(slow()), {"seed": 4712})
    await ada.reaches(runs, "running")

    async def both() -> Pages | None:
        pages = Pages(before, await page_of(system, "projector"))
        waiting = pages.rise("comfyd_runs_waiting", reason="machine_unreachable")
        running = pages.rise("comfyd_runs_open", status="running")
        return pages if (waiting, running) == (1, 1) else None

    page = (await eventually(both)).after

    oldest, age = (
        shown.value("comfyd_waiting_age_seconds", reason="machine_unreachable")
        for shown in (before, page)
    )
    assert 0 < age < oldest + time.monotonic() - began + 5
    assert page.value("comfyd_machines", state="active") >= 2
    assert page.value("comfyd_work_queue", work="render") >= 2
    assert page.value("comfyd_log_position") >= page.value("comfyd_projection_position") > 0
    for run_id in (waits, runs):
        await ada.cancel(run_id)
        await ada.ended(run_id)


async def test_a_projector_that_stands_by_shows_no_numbers_of_the_whole_system(
    system: System,
) -> None:
    system.start_own("projector-2", "consumers", "projector")

    async def stands_by() -> bool:
        with suppress(httpx.TransportError):
            answer = await http.get("/health/ready")
            return bool(answer.json().get("projection") == "standing by")
        return False

    url = system.internal_urls["projector-2"]
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
        await eventually(stands_by)
    both = [(await page_of(system, name)).metrics.keys() for name in ("projector", "projector-2")]
    system.end("projector-2")

    assert both[0] - both[1] == SHARED


async def test_nothing_about_a_tenant_is_shown_and_nothing_on_the_public_address(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(card(), name="workflow-of-ada")
    machine = await ada.machine()
    run = await ada.run(deployment, {"colour": 4})
    told = [await page_of(system, name) for name in ("api", "worker", "projector")]
    private = ("user:ada", "workflow-of-ada", deployment, machine, run["id"], system.machine_url)
    for page in told:
        assert [word for word in private if word in page.text] == []
    public = await ada.http.get("/metrics")
    assert public.status_code == 404


@pytest.mark.parametrize("page", ["docs/metrics.md", "docs/zh/metrics.md"])
async def test_every_metric_is_explained_with_its_labels_and_no_other(
    system: System, ada: Tenant, page: str
) -> None:
    await ada.run(await ada.deploy(card()), {"colour": 5})
    shown: dict[str, frozenset[str]] = {}
    for name in ("api", "worker", "projector"):
        shown |= (await page_of(system, name)).metrics
    assert documented(ROOT / page) == shown
