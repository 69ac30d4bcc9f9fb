"""Three hundred runs while everything is killed in turn: nothing lost, doubled or stuck."""

import asyncio
from collections.abc import Callable
from itertools import cycle

import pytest

from events.subjects import LOG
from infra.jetstream.connection import connected
from tests.chaos.load import Load, graph
from tests.chaos.proof import check_everything, log_end, renders
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.servers.nats_cluster import Cluster, leader_of

pytestmark = pytest.mark.cluster

RUNS = 300
CLIENTS = 8
BETWEEN_KILLS = 20
"""Renders from one kill to the next."""

DOWN = 1.0
"""Seconds for which a killed node is away."""

VICTIMS = ("leader", "worker", "api", "projector", "worker-2", "api-2", "projector-2")


async def test_runs_survive_the_death_of_everything_in_turn(
    system: System, cluster: Cluster, ada: Tenant, record_property: Callable[[str, str], None]
) -> None:
    load = Load(system, ada, await ada.deploy(graph()))
    start, before = await log_end(system), system.rendered()

    killed: list[str] = []
    async with system.supervised():
        making = asyncio.create_task(load.make(RUNS, clients=CLIENTS))
        for victim in cycle(VICTIMS):
            if not await _rendered_more(system, making):
                break
            killed.append(victim)
            if victim == "leader":
                await _kill_leader(cluster)
            else:
                system.kill(victim)
        await making
        runs = await load.until_ended()

    async def all_well() -> bool:
        return not await ada.faults()

    await eventually(all_well, within=60)
    await check_everything(system, runs, after=start)
    rendered = system.rendered() - before
    assert {run_id: renders(rendered, run_id) for run_id in runs} == dict.fromkeys(runs, 1)
    assert set(killed) == set(VICTIMS)
    record_property("killed", f"{len(killed)}: {' '.join(killed)}; {load.refused} refusals")


async def _rendered_more(system: System, making: asyncio.Task[None]) -> bool:
    """Wait for so many more renders; return False if all runs were made before."""
    goal = system.rendered().total() + BETWEEN_KILLS

    async def enough() -> bool:
        return making.done() or system.rendered().total() >= goal

    await eventually(enough, within=90)
    return not making.done()


async def _kill_leader(cluster: Cluster) -> None:
    async with connected(cluster.url, name="tests") as client:
        leader = await leader_of(client, LOG)
    cluster.kill(leader)
    await asyncio.sleep(DOWN)
    cluster.restart(leader)
