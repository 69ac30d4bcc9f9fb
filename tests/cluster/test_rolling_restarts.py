"""Ten NATS servers are restarted one after the other: every process comes back by itself."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle, islice

import httpx
import psutil
import pytest

from tests.chaos.load import Load, graph
from tests.chaos.proof import Story, check_everything, log_end, renders
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant
from tests.servers.nats_cluster import NODES, Cluster

pytestmark = pytest.mark.cluster

RESTARTS = 10
PROCESSES = ("api", "api-2", "worker", "worker-2", "projector", "projector-2")
LONGEST = 45.0
"""Seconds that a run may take from its acceptance to its end, most of which is an election."""


async def test_ten_rolling_restarts_lose_no_process_and_stop_no_run(
    system: System, cluster: Cluster, ada: Tenant, record_property: Callable[[str, str], None]
) -> None:
    load = Load(system, ada, await ada.deploy(graph()))
    start, before = await log_end(system), system.rendered()
    restarted = asyncio.Event()

    async with system.supervised():
        making = asyncio.create_task(_make_until(restarted, load))
        for node in islice(cycle(range(NODES)), RESTARTS):
            await asyncio.to_thread(cluster.nodes[node].stop, 10)
            cluster.restart(node)
            await asyncio.to_thread(cluster.wait_ready)
        restarted.set()
        await making
        runs = await load.until_ended()
        for name in PROCESSES:
            await _until_ready(system, name)

    stories = await check_everything(system, runs, after=start)
    rendered = system.rendered() - before
    not_once = [run_id for run_id in runs if renders(rendered, run_id) != 1]
    assert not_once == [], "\n".join(_told(stories[run_id]) for run_id in not_once)
    assert system.restarted == []
    longest = max(_seconds(story) for story in stories.values())
    record_property("rolling restarts", f"{len(runs)} runs, the longest took {longest:.1f} s")
    assert longest < LONGEST
    assert [name for name in PROCESSES if _half_closed(system, name)] == []


@pytest.mark.parametrize(("alone", "other"), [("worker", "worker-2"), ("worker-2", "worker")])
async def test_each_worker_does_all_the_work_alone_afterwards(
    system: System, ada: Tenant, alone: str, other: str
) -> None:
    await _until_ready(system, alone)
    async with system.without(other):
        run = await ada.run(await ada.deploy(graph()))
    assert run["status"] == "success"


async def _make_until(stopped: asyncio.Event, load: Load) -> None:
    while not stopped.is_set():
        await load.make(8, clients=4)


async def _until_ready(system: System, name: str) -> None:
    async def ready() -> bool:
        url = system.internal_urls[name]
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
                return (await http.get("/health/ready")).is_success
        return False

    await eventually(ready, within=30)


def _seconds(story: Story) -> float:
    return (story[-1].recorded_at - story[0].recorded_at).total_seconds()


def _told(story: Story) -> str:
    """Show what happened to a run, by the seconds since its beginning."""
    begin = story[0].recorded_at
    return "\n".join(f"{(e.recorded_at - begin).total_seconds():6.2f} {e.event}" for e in story)


def _half_closed(system: System, name: str) -> list[str]:
    """List the connections that the other side has closed, and the process has not."""
    found = psutil.Process(system.pid(name)).net_connections("tcp")
    return [str(c.raddr) for c in found if c.status == psutil.CONN_CLOSE_WAIT]
