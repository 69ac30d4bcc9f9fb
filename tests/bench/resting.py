"""What each process holds in memory at rest, and how soon all is right after one was killed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import uuid4

import httpx

from app.cli.client.api_client import ApiClient
from infra.jetstream.event_store import JetStreamEventStore
from projections.queries import position
from tests.bench.history import birth
from tests.bench.numbers import median
from tests.bench.overhead import INPUT, Bare, text_graph
from tests.bench.processes import resident
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row

OURS = ("api", "projector", "worker")
MEGABYTE = 1_000_000
RUNS = 10
"""Runs before the system comes to rest."""

JOB = 300
"""Milliseconds on the machine of the run in whose middle a process is killed."""

LOOK_EVERY = 0.01
WITHIN = 30.0
HOW = """Memory: resident, after ten runs; the servers are shown without a goal (Postgres: its first
process alone). Recovery: kill -9 in the middle of a run whose job takes 300 ms, the process started
again at once, and the time from that start (imports and connections included) until: API, it
answers the run's status; projector, the tables show an event that was stored after its death;
worker, the run is shown as ended well."""
MEMORY_CAUSE = "the libraries it imports are most of it (FastStream, aiobotocore, Litestar)"
CAUSES = {
    "api": "imports and connections of a Python process, on cores that others use too",
    "projector": "imports and connections of a Python process, on cores that others use too",
    "worker": """work of a dead worker is given to another when its acknowledgement is overdue: 3 s
after its last sign of life (`ACK_WAIT`), so that a slow worker is not taken for a dead one""",
}


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure memory and recovery."""
    await stack.fresh()
    await stack.start("comfyui", *OURS)
    deployment = await stack.deploy("resting", text_graph(["0", 0]) | INPUT)
    told("memory at rest")
    async with stack.api() as api:
        for number in range(RUNS):
            await _ended(api, await _start(api, deployment, number))
        rows = _memory(stack)
        async with Bare.connected(stack.machine_url) as machine:
            await machine.slow_down(JOB)
        for name in OURS:
            told(f"kill -9 of {name}")
            rows.append(await _recovery(stack, api, deployment, name, scale.rounds))
    return Chapter(title="Memory and recovery", how=HOW, rows=tuple(rows))


def _memory(stack: Stack) -> list[Row]:
    rows = []
    for name in OURS:
        megabytes = resident(stack.children[name].pid) / MEGABYTE
        rows.append(
            Row(
                what=f"memory of the {name} at rest",
                goal="< 150 MB",
                measured=f"{megabytes:.0f} MB",
                met=megabytes < 150,
                cause=MEMORY_CAUSE,
            )
        )
    servers = {name: resident(child.pid) for name, child in stack.servers.children.items()}
    shown = ", ".join(f"{name} {size / MEGABYTE:.0f} MB" for name, size in servers.items())
    return [*rows, Row(what="memory of the embedded servers", measured=shown)]


async def _recovery(stack: Stack, api: ApiClient, deployment: str, name: str, rounds: int) -> Row:
    spent = []
    for number in range(rounds):
        run_id = await _start(api, deployment, time.time_ns() % 2**31 + number)
        await _until(partial(_is, api, run_id, "running"))
        stack.children[name].kill()
        began = time.perf_counter()
        stack.launch(name)
        await _right_again(stack, api, run_id, name)
        spent.append(time.perf_counter() - began)
        await _ended(api, run_id)
    seconds = median(spent)
    return Row(
        what=f"recovery after kill -9 of the {name}",
        goal="< 2 s",
        measured=f"{seconds:.1f} s",
        met=seconds < 2,
        cause=CAUSES[name],
    )


async def _right_again(stack: Stack, api: ApiClient, run_id: str, name: str) -> None:
    if name == "api":
        await _until(lambda: _is(api, run_id, "running", "uploading", "success"))
    elif name == "worker":
        await _ended(api, run_id)
    else:
        await _tables_have_followed(stack)


async def _tables_have_followed(stack: Stack) -> None:
    """Wait until the tables know what came after the projector's death."""
    async with stack.nats() as client, stack.postgres() as connection:
        [newest] = await JetStreamEventStore(client).append([birth(uuid4())], expected=0)

        async def followed() -> bool:
            return await position(connection) >= newest.position

        await _until(followed)


async def _start(api: ApiClient, deployment: str, number: int) -> str:
    body = {"deployment_id": deployment, "inputs": {"number": number}}
    run: dict[str, Any] = await api.post("/v1/runs", body)
    return str(run["id"])


async def _ended(api: ApiClient, run_id: str) -> None:
    await _until(lambda: _is(api, run_id, "success"))


async def _is(api: ApiClient, run_id: str, *statuses: str) -> bool:
    try:
        run = await api.get(f"/v1/runs/{run_id}")
    except httpx.TransportError:
        return False
    return run["status"] in statuses


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + WITHIN
    while not await holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it does not become right again")
        await asyncio.sleep(LOOK_EVERY)
