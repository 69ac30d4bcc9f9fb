"""Each alert of infra/deploy/prometheus, made true on real parts and seen by a real Prometheus.

A minute of the rules is two seconds here. The tests share one system, and leave it as it was.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.jetstream.connection import Client, connected
from tests.alerts import faults
from tests.builders.pictures import saved
from tests.e2e.graphs import card, load
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.servers.nats_cluster import NODES, Cluster
from tests.servers.prometheus import RULES, Prometheus, needs_prometheus, panel_expressions

pytestmark = needs_prometheus


@pytest.fixture(scope="module")
async def nats(cluster: Cluster, prometheus: Prometheus) -> AsyncIterator[Client]:  # noqa: ARG001 -- it comes first
    """Return a connection beside all doors."""
    async with connected(cluster.url, name="faults") as client:
        yield client


@pytest.fixture(scope="module")
async def deployment(ada: Tenant) -> str:
    return await ada.deploy(card())


@pytest.fixture(scope="module")
async def limited_deployment(limited: Tenant) -> str:
    return await limited.deploy(card())


async def test_nothing_fires_while_runs_are_made(
    prometheus: Prometheus, ada: Tenant, deployment: str
) -> None:
    for colour in range(5):
        await ada.run(deployment, {"colour": colour})
        assert await prometheus.firing() == []


async def test_every_panel_of_the_dashboard_shows_something(
    prometheus: Prometheus, ada: Tenant, deployment: str
) -> None:
    await ada.create(deployment, {"colour": "none"})
    # Of what shows rates above zero alone, the runs of before have left nothing to see.
    asked = [expression.removesuffix(" > 0") for expression in panel_expressions("20s")]
    for expression in asked:
        await prometheus.until_true(expression)


async def test_a_nats_server_that_is_away(
    prometheus: Prometheus, cluster: Cluster, nats: Client
) -> None:
    number = await faults.follower_of_the_log(nats)
    cluster.kill(number)
    await prometheus.until_firing("ComfydReplicaBehind", server=f"node{number}", stream="RUNS")
    cluster.restart(number)
    await prometheus.until_over("ComfydReplicaBehind")


async def test_work_that_is_given_to_nobody(
    prometheus: Prometheus, ada: Tenant, nats: Client
) -> None:
    machine = await ada.machine()
    async with faults.paused(nats, machine):
        await faults.old_run(nats, machine)
        await asyncio.gather(
            prometheus.until_firing("ComfydQueueOld"),
            prometheus.until_firing("ComfydNobodyRenders"),
        )
    await prometheus.until_over("ComfydQueueOld", "ComfydNobodyRenders")


async def test_no_worker_at_all(prometheus: Prometheus, system: System, nats: Client) -> None:
    async with system.without("worker"):
        # They are no work, but somebody has to look at them to know.
        await faults.events_of_a_newer_version(nats, 150)
        await asyncio.gather(
            prometheus.until_firing("ComfydProcessMissing", process="worker"),
            prometheus.until_firing("ComfydProcessDown"),
            prometheus.until_firing("ComfydReactorBehind"),
            prometheus.until_firing("ComfydQuarantine"),
        )
    await prometheus.until_over("ComfydProcessMissing", "ComfydReactorBehind")


async def test_machines_that_are_away_or_stopped(
    prometheus: Prometheus, system: System, ada: Tenant, nats: Client
) -> None:
    away = await ada.deploy(card(), machine_url=system.another_machine_url(), name="away")
    await ada.start(away)
    stopped = await ada.machine(system.another_machine_url())
    await ada.http.post(f"/v1/machines/{stopped}/drain")
    await faults.old_run(nats, stopped)
    await asyncio.gather(
        prometheus.until_firing("ComfydRunsHeldUp", reason="machine_unreachable"),
        prometheus.until_firing("ComfydMachineSilent", outcome="unreachable"),
        prometheus.until_firing("ComfydMachineStopped", reason="machine_draining"),
        prometheus.until_firing("ComfydRunsFail", code="machine_unreachable"),
    )


async def test_a_process_that_dies_again_and_again(prometheus: Prometheus, system: System) -> None:
    instance = system.internal_urls["projector"].removeprefix("http://")
    starts = f'changes(process_start_time_seconds{{instance="{instance}"}}[1h])'
    for deaths in range(1, 4):
        system.kill("projector")
        system.start("projector")
        await prometheus.until_true(f"{starts} >= {deaths}")
    await prometheus.until_firing("ComfydRestarting", instance=instance)


async def test_storage_that_is_away(prometheus: Prometheus, system: System, ada: Tenant) -> None:
    pictures = await ada.deploy(load())
    picture = f"data:image/png;base64,{b64encode(saved('PNG')).decode()}"
    async with system.without("s3"):
        refused = await ada.create(pictures, {"picture": picture})
        assert refused.status_code == 503, refused.text
        await asyncio.gather(
            prometheus.until_firing("ComfydStorageDown"),
            prometheus.until_firing("ComfydUnavailable", code="storage_unavailable"),
        )
    await prometheus.until_over("ComfydStorageDown")


async def test_a_projector_that_cannot_go_on(
    prometheus: Prometheus, system: System, nats: Client
) -> None:
    url = system.env["POSTGRES_URL"]
    async with faults.locked(url, "read.checkpoint", "EXCLUSIVE"):
        await faults.events_of_a_newer_version(nats, 1_100)
        await asyncio.gather(
            prometheus.until_firing("ComfydProjectionBehind"),
            prometheus.until_firing("ComfydProjectionStuck"),
        )
    await prometheus.until_over("ComfydProjectionBehind", "ComfydProjectionStuck")


async def test_postgres_that_is_away(
    prometheus: Prometheus, system: System, limited: Tenant, limited_deployment: str
) -> None:
    async with system.without("postgres"):
        accepted = await limited.create(limited_deployment)
        assert accepted.status_code == 202, accepted.text
        await asyncio.gather(
            prometheus.until_firing("ComfydReadModelsDown"),
            prometheus.until_firing("ComfydFiguresMissing"),
            prometheus.until_firing("ComfydProjectorRestarts"),
            prometheus.until_firing("ComfydQuotasUnchecked"),
        )
    await prometheus.until_over("ComfydReadModelsDown", "ComfydFiguresMissing")


async def is_refused(tenant: Tenant) -> bool:
    return (await tenant.http.get("/v1/runs")).status_code == 429


async def test_an_api_that_is_slow_full_or_broken(
    prometheus: Prometheus, system: System, limited: Tenant, limited_deployment: str
) -> None:
    url = system.env["POSTGRES_URL"]
    async with faults.locked(url, "hints.reservation", "ACCESS EXCLUSIVE"):
        slow = asyncio.create_task(limited.create(limited_deployment))
        await asyncio.sleep(1.5)  # as long as an acceptance takes here
    assert (await slow).status_code == 202
    async with faults.without_table(url, "read", "batch"):
        broken = await limited.http.get("/v1/batches")
    await eventually(lambda: is_refused(limited))
    instance = system.internal_urls["api-limited"].removeprefix("http://")
    async with faults.few_files(system.pid_of("api-limited")):
        await asyncio.gather(
            prometheus.until_firing("ComfydAcceptSlow"),
            prometheus.until_firing("ComfydInternalErrors"),
            prometheus.until_firing("ComfydLimitsRefuse", limit="default"),
            prometheus.until_firing("ComfydFilesRunOut", instance=instance),
        )
    assert broken.status_code == 500


async def test_work_that_breaks_a_worker(prometheus: Prometheus, nats: Client) -> None:
    await faults.garbage(nats)
    await prometheus.until_firing("ComfydWorkBroken", work="upload")


async def test_nats_that_is_away(prometheus: Prometheus, cluster: Cluster) -> None:
    for number in range(NODES):
        cluster.kill(number)
    await asyncio.gather(
        prometheus.until_firing("ComfydLogDown"),
        prometheus.until_firing("ComfydNatsDisconnected", connection="api"),
    )
    for number in range(NODES):
        cluster.restart(number)
    await prometheus.until_over("ComfydLogDown", "ComfydNatsDisconnected")


def test_every_alert_is_made_true_here() -> None:
    made = set(re.findall(r'until_firing\("(\w+)"', Path(__file__).read_text("utf-8")))
    named = re.findall(r"- alert: (\w+)", RULES.read_text("utf-8"))
    assert sorted(named) == sorted(made)
