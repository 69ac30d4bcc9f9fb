"""What an operator sees of a fault: `GET /v1/doctor` names it while it lasts, and no longer."""

from collections.abc import Collection

import pytest

from events.subjects import LOG
from infra.jetstream.connection import connected
from tests.chaos.load import graph
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.servers.nats_cluster import NODES, Cluster, leader_of

pytestmark = pytest.mark.cluster

ALL_WELL: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("victims", "code"),
    [(("worker", "worker-2"), "worker_none"), (("projector", "projector-2"), "projector_none")],
)
async def test_processes_that_are_all_gone_are_named(
    system: System, ada: Tenant, victims: Collection[str], code: str
) -> None:
    await ada.run(await ada.deploy(graph()), {"seed": 1})
    await _found(ada, ALL_WELL)

    for victim in victims:
        system.kill(victim)
    await _found(ada, {code})

    for victim in victims:
        system.start(victim)
    await _found(ada, ALL_WELL)


async def test_a_node_that_is_gone_is_named_and_runs_go_on(cluster: Cluster, ada: Tenant) -> None:
    deployment = await ada.deploy(graph())
    await ada.run(deployment, {"seed": 2})
    await _found(ada, ALL_WELL)
    async with connected(cluster.url, name="tests") as client:
        leader = await leader_of(client, LOG)

    gone = (leader + 1) % NODES
    cluster.kill(gone)
    await _found(ada, {"node_away", "replica_silent"})
    ready = await ada.http.get("/health/ready")
    ended = await ada.run(deployment, {"seed": 3})

    cluster.restart(gone)
    await _found(ada, ALL_WELL)
    assert ready.status_code == 200
    assert ended["status"] == "success"


async def _found(tenant: Tenant, codes: Collection[str]) -> None:
    """Wait until the doctor finds just these faults."""

    async def found() -> bool:
        return await tenant.faults() == set(codes)

    await eventually(found, within=60)
