"""Runs while one replica has stopped following: none is failed, lost or held up by it."""

import asyncio
import time
from uuid import UUID

import pytest

from events.aggregates import RUN
from events.subjects import LOG, subject
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.work.durables import move_durable
from infra.jetstream.work.reactor_durable import REACTOR
from tests.chaos.load import Load, graph
from tests.chaos.proof import check_everything, log_end
from tests.cluster.lagging import leaders_of_both, leave_one_behind, until_unknown
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.network.route_proxies import RouteProxies
from tests.servers.nats_cluster import Cluster

pytestmark = pytest.mark.cluster

RUNS = 60


async def reactor_away_from_the_leaders(client: Client) -> int:
    """Move the lead of the reactor's consumer to a node that leads no stream; return the node."""
    async with asyncio.timeout(60):
        while True:
            node = await leader_of_reactor(client)
            if node is not None and node not in await leaders_of_both(client):
                return node
            await move_durable(client, LOG, REACTOR)
            await asyncio.sleep(0.5)


async def leader_of_reactor(client: Client) -> int | None:
    """Return the node that leads the reactor's consumer, if one does just now."""
    info = await api(client, f"CONSUMER.INFO.{LOG}.{REACTOR}", {}, within=5)
    leader = info["cluster"].get("leader")
    return int(leader.removeprefix("node")) if leader else None


async def test_runs_end_well_while_a_replica_has_stopped(
    system: System, cluster: Cluster, proxies: RouteProxies, ada: Tenant
) -> None:
    deployment = await ada.deploy(graph())
    start = await log_end(system)
    async with connected(cluster.url, name="tests") as client:
        node = await reactor_away_from_the_leaders(client)
        await leave_one_behind(client, proxies, among=[node])
        first = await ada.start(deployment, {"seed": RUNS})
        await until_unknown(client, LOG, subject(RUN.name(UUID(first))))
        runs = {first: await ada.ended(first, within=40)}
        assert await leader_of_reactor(client) != node

    load = Load(system, ada, deployment)
    began = time.monotonic()
    await load.make(RUNS)
    runs |= await load.until_ended()
    took = time.monotonic() - began

    await check_everything(system, runs, after=start)
    # A reactor that stands still is made good for by the reconciler, but waves of runs wait for it.
    assert took < 60
