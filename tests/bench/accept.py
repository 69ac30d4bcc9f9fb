"""How fast runs are accepted, each on disk before its answer."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from events import codec
from events.subjects import subject
from infra.jetstream.calls import checked
from infra.jetstream.connection import Client
from tests.bench.history import birth
from tests.bench.load import Load, measure
from tests.bench.numbers import Measured, median, middle, summary
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row, times
from tests.bench.wire import request

CLIENTS = (1, 16, 64)
DISK_SYNC_BYTES = 8192
GRAPH: Mapping[str, Any] = {
    "1": {
        "class_type": "ComfyUIDeployExternalNumberInt",
        "inputs": {"input_id": "width", "default_value": 64},
    },
    "2": {
        "class_type": "ComfyUIDeployExternalNumberInt",
        "inputs": {"input_id": "colour", "default_value": 1},
    },
    "3": {
        "class_type": "EmptyImage",
        "inputs": {"width": ["1", 0], "height": 64, "batch_size": 1, "color": ["2", 0]},
    },
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "b"}},
}
INPUTS: Mapping[str, Mapping[str, int]] = {
    "no inputs": {},
    "two inputs": {"width": 64, "colour": 5},
}
HOW = """`POST /v1/runs` over keep-alive connections from a process of their own; API, load and
NATS share the machine's cores. No worker and no projector run, so that rendering does not disturb:
the runs pile up in the log, except in the row that says otherwise. Ceiling: one Python client that
publishes the same event with the same headers and expectation into the same stream
(`sync_interval: always`), with as many requests under way. A run with inputs is two synced writes
(its inputs, then its event) and one read (its deployment). Disk sync: append 8 KB and fsync."""
SLOW = """the API's one core is the limit, not the disk: reading and writing the request, checking
it, the read of the deployment and the client of NATS are all Python. A second API process adds its
own rate where there are cores for it."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure accepting runs."""
    await stack.fresh()
    await stack.start("api")
    deployment = await stack.deploy("accept", GRAPH)
    sync = disk_sync(stack.folder)
    rows = [Row(what="bare disk sync, 8 KB, p50", measured=f"{sync:.2f} ms")]
    for clients in CLIENTS:
        told(f"accept, {clients} clients")
        rows += await _rows(stack, scale, deployment, clients, sync)
    told("accept while projector and reactor work")
    await stack.start("projector", "worker")
    load = _load(stack, scale, deployment, {}, 16)
    busy = middle([await measure(load) for _ in range(scale.rounds)])
    rows.append(
        Row(
            what="accept, no inputs, 16 clients, projector and reactor at work on the same cores",
            measured=str(busy),
        )
    )
    return Chapter(title="Accepting runs", how=HOW, rows=tuple(rows))


async def _rows(
    stack: Stack, scale: Scale, deployment: str, clients: int, sync: float
) -> list[Row]:
    ours: dict[str, list[Measured]] = {name: [] for name in INPUTS}
    bare: list[Measured] = []
    for _ in range(scale.rounds):
        for name, inputs in INPUTS.items():
            ours[name].append(await measure(_load(stack, scale, deployment, inputs, clients)))
        bare.append(await bare_publish(stack, clients, scale.seconds))
    ceiling = middle(bare)
    return [_row(name, clients, middle(found), ceiling, sync) for name, found in ours.items()]


def _row(name: str, clients: int, ours: Measured, ceiling: Measured, sync: float) -> Row:
    goal, met = "", None
    if clients == 1:
        goal, met = f"p50 ≤ {sync + 2:.1f} ms (disk sync + 2)", ours.p50 <= sync + 2
    elif clients == 16:
        goal, met = "≥ 1,000/s", ours.rate >= 1000
    return Row(
        what=f"accept, {name}, {clients} client{'s' if clients > 1 else ''}",
        goal=goal,
        measured=str(ours),
        ceiling=f"publish {ceiling}",
        ratio=times(ours.rate, ceiling.rate),
        met=met,
        cause=SLOW,
    )


def _load(
    stack: Stack, scale: Scale, deployment: str, inputs: Mapping[str, int], clients: int
) -> Load:
    body = msgspec.json.encode({"deployment_id": deployment, "inputs": inputs})
    message = request("POST", "/v1/runs", token=stack.token, body=body)
    return Load(port=stack.port, requests=[message], clients=clients, seconds=scale.seconds)


def disk_sync(folder: Path, seconds: float = 0.3) -> float:
    """Return the median time of a synced append, in milliseconds."""
    data = os.urandom(DISK_SYNC_BYTES)
    spent = []
    with (folder / "disk-sync").open("wb", buffering=0) as file:
        ends_at = time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends_at:
            file.write(data)
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - began)
    return median(spent) * 1000


async def bare_publish(stack: Stack, clients: int, seconds: float) -> Measured:
    """Publish births of runs from this process, *clients* at a time."""
    async with stack.nats() as client:
        return await repeated(lambda: _publish(client), clients, seconds)


async def repeated(once: Callable[[], Awaitable[None]], clients: int, seconds: float) -> Measured:
    """Do *once* again and again in this process, *clients* at a time."""
    spent: list[float] = []
    ends_at = time.perf_counter() + seconds

    async def one() -> None:
        while (began := time.perf_counter()) < ends_at:
            await once()
            spent.append(time.perf_counter() - began)

    await asyncio.gather(*(one() for _ in range(clients)))
    return summary(spent, seconds)


async def _publish(client: Client) -> None:
    created = birth(uuid4())
    headers, body = codec.encode(created)
    headers["Nats-Expected-Last-Subject-Sequence"] = "0"
    answer = await client.request(subject(created.aggregate), body, headers=headers, timeout=5)
    checked(answer.data)
