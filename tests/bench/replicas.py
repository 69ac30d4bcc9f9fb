"""What three replicas cost and give: accepting beside one replica, and the death of a leader."""

import asyncio
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from events.subjects import LOG
from tests.bench.accept import GRAPH
from tests.bench.load import Load, measure
from tests.bench.numbers import Measured, median, middle
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row, times
from tests.bench.wire import request
from tests.servers.nats_cluster import NODES, Cluster, leader_of, running_cluster

CLIENTS = (1, 16)
STALL_CLIENTS = 8
KILLS = 5
BEFORE_KILL = 1.0
AFTER_KILL = 12.0
"""Seconds for which is looked on after a kill."""

HOW = """Two APIs run at the same time on the same machine, one on a single NATS server, one on
three of them (three replicas, all on this machine's disk and cores, so that the same disk syncs
each event three times); they are asked in turn, seven times each, and the medians are compared.
The stall: clients ask for one run after the other, the leader of `RUNS` is killed with -9, and the
longest time between two accepted runs in the next 12 s counts; the server is started again and
waited for before the next kill."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure three replicas beside one."""
    with TemporaryDirectory() as folder, running_cluster(Path(folder) / "nats") as cluster:
        three = Stack(stack.servers, Path(folder))
        three.env = {**three.env, "NATS_URL": cluster.url, "COMFYD_REPLICAS": str(NODES)}
        try:
            deployments = {}
            for one in (stack, three):
                await one.fresh()
            for one in (stack, three):
                await one.start("api")
                deployments[one] = await one.deploy("replicas", GRAPH)
            rows = []
            for clients in CLIENTS:
                told(f"three replicas, {clients} clients")
                rows.append(await _row(stack, three, deployments, scale, clients))
            told("the death of a leader")
            rows.append(await _stall(three, deployments[three], cluster))
        finally:
            three.stop()
    return Chapter(title="Three replicas", how=HOW, rows=tuple(rows))


async def _row(
    one: Stack, three: Stack, deployments: dict[Stack, str], scale: Scale, clients: int
) -> Row:
    found: dict[Stack, list[Measured]] = {one: [], three: []}
    for _ in range(2 * scale.rounds + 1):
        for stack, measured in found.items():
            body = b'{"deployment_id":"%s","inputs":{}}' % deployments[stack].encode()
            message = request("POST", "/v1/runs", token=stack.token, body=body)
            load = Load(port=stack.port, requests=[message], clients=clients, seconds=scale.seconds)
            measured.append(await measure(load))
    ours, beside = middle(found[three]), middle(found[one])
    return Row(
        what=f"accept, no inputs, {clients} client{'s' if clients > 1 else ''}, three replicas",
        measured=str(ours),
        ceiling=f"one replica {beside}",
        ratio=f"p50 {times(ours.p50, beside.p50)}; p99 {times(ours.p99, beside.p99)}",
    )


async def _stall(stack: Stack, deployment: str, cluster: Cluster) -> Row:
    gaps, refused = [], 0
    for _ in range(KILLS):
        gap, refusals = await _one_death(stack, deployment, cluster)
        gaps.append(gap)
        refused += refusals
    return Row(
        what=f"kill -9 of the leader of RUNS, {STALL_CLIENTS} clients: longest gap between accepts",
        measured=(
            f"median {median(gaps):.1f} s ({min(gaps):.1f} to {max(gaps):.1f}, {KILLS} kills);"
            f" {refused} requests refused"
        ),
    )


async def _one_death(stack: Stack, deployment: str, cluster: Cluster) -> tuple[float, int]:
    accepted: list[float] = []
    refused = 0
    began = time.perf_counter()
    ends_at = began + BEFORE_KILL + AFTER_KILL

    async def client(http: httpx.AsyncClient) -> None:
        nonlocal refused
        while time.perf_counter() < ends_at:
            body = {"deployment_id": deployment, "inputs": {}}
            with suppress(httpx.TransportError):
                answer = await http.post("/v1/runs", json=body)
                if answer.is_success:
                    accepted.append(time.perf_counter())
                else:
                    refused += 1

    async with stack.nats() as nats, stack.api() as api:
        leader = await leader_of(nats, LOG)
        clients = [asyncio.create_task(client(api.http)) for _ in range(STALL_CLIENTS)]
        await asyncio.sleep(BEFORE_KILL)
        cluster.kill(leader)
        await asyncio.gather(*clients)
    cluster.restart(leader)
    await asyncio.to_thread(cluster.wait_ready)
    return max(b - a for a, b in pairwise([began, *accepted, ends_at])), refused
