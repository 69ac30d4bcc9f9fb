"""The doctor names each fault of a cluster while it lasts, and nothing once it is gone."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.doctor.checks.check import Check
from app.doctor.checks.cluster import cluster_checks
from app.doctor.checks.log import log_checks
from app.doctor.doctor import inspect_cluster
from app.doctor.findings import Cluster as Found
from app.doctor.findings import Findings
from events.subjects import subject
from infra.clock import now
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.health.cluster import ClusterHealth
from infra.jetstream.health.log import LogCheck
from infra.s3.probe import StorageProbe
from tests.cluster.lagging import leave_one_behind
from tests.e2e.system import eventually
from tests.network.route_proxies import RouteProxies
from tests.servers.nats_cluster import Cluster, leader_of, migrated

pytestmark = pytest.mark.cluster


class Doctor:
    """Looks at the cluster through one connection."""

    def __init__(self, cluster: Cluster, client: Client) -> None:
        self.client = client
        self._system = ClusterHealth(client, cluster.url)
        self._log = LogCheck(client)

    async def faults(self) -> dict[str, str]:
        """Return what is wrong with the log and its cluster: details by code."""
        found: Found = await inspect_cluster(self._system, copies_wanted=3)
        log = await self._log.look()
        findings = Findings(
            time=now(), log=log, storage=StorageProbe(url=""), read_models=None, cluster=found
        )
        checks: list[Check] = [*log_checks(findings, "en"), *cluster_checks(found, "en")]
        return {check.code: check.detail for check in checks if not check.ok}

    async def until(self, *codes: str) -> dict[str, str]:
        """Wait until just these are found; return them with their details."""

        async def found() -> dict[str, str] | None:
            self._last = await self.faults()
            return {"": "", **self._last} if self._last.keys() == set(codes) else None

        return await eventually(found, within=60)


@pytest.fixture
async def doctor(cluster: Cluster) -> AsyncIterator[Doctor]:
    """Return a doctor who finds nothing yet."""
    async with connected(cluster.url, name="doctor") as client:
        await migrated(client)
        doctor = Doctor(cluster, client)
        await doctor.until()
        yield doctor


@asynccontextmanager
async def frozen(cluster: Cluster, number: int) -> AsyncIterator[None]:
    """Stop a node in the middle of whatever it does."""
    os.kill(cluster.nodes[number].pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(cluster.nodes[number].pid, signal.SIGCONT)


async def follower(doctor: Doctor, cluster: Cluster) -> int:
    """Return a node that does not lead the log, and to which the doctor does not speak."""
    leader = await leader_of(doctor.client, "RUNS")
    url = doctor.client.connected_url
    assert url is not None
    spoken = next(n for n in range(3) if f":{url.port}" in cluster.url_of(n))
    return next(n for n in range(3) if n not in {leader, spoken})


async def test_a_node_that_is_dead_is_named(cluster: Cluster, doctor: Doctor) -> None:
    dead = await follower(doctor, cluster)
    cluster.kill(dead)
    found = await doctor.until("node_away", "replica_silent")
    assert f"node{dead}" in found["replica_silent"]
    assert cluster.url_of(dead).rpartition("@")[2] in found["node_away"]
    cluster.restart(dead)
    await doctor.until()


async def test_a_node_that_is_frozen_is_named(cluster: Cluster, doctor: Doctor) -> None:
    number = await follower(doctor, cluster)
    async with frozen(cluster, number):
        found = await doctor.until("replica_silent")
        assert f"node{number}" in found["replica_silent"]
    await doctor.until()


async def test_a_replica_that_lags_is_named(doctor: Doctor, proxies: RouteProxies) -> None:
    behind = await leave_one_behind(doctor.client, proxies)
    await doctor.client.request(subject("run-x"), b"{}", timeout=5)
    found = await doctor.until("replica_behind")
    assert f"node{behind} (RUNS " in found["replica_behind"]
    proxies.heal()
    await doctor.until()


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"num_replicas": 1}, {"replicas_few"}),
        ({"compression": "s2"}, {"streams_compressed", "streams_differ"}),
    ],
)
async def test_how_streams_are_kept_is_judged(
    doctor: Doctor, change: dict[str, object], codes: set[str]
) -> None:
    info = await api(doctor.client, "STREAM.INFO.DLQ", {}, within=5)
    await api(doctor.client, "STREAM.UPDATE.DLQ", {**info["config"], **change}, within=5)
    try:
        assert (await doctor.faults()).keys() == codes
    finally:
        await api(doctor.client, "STREAM.UPDATE.DLQ", info["config"], within=10)
    await doctor.until()


async def test_without_a_quorum_the_log_has_no_leader(cluster: Cluster, doctor: Doctor) -> None:
    gone = [number for number in range(3) if number != await leader_of(doctor.client, "RUNS")]
    for number in gone:
        cluster.kill(number)

    async def leaderless() -> bool:
        return {"log_leaderless", "node_away"} <= (await doctor.faults()).keys()

    await eventually(leaderless, within=60)
    for number in gone:
        cluster.restart(number)
    await doctor.until()
