"""What open dashboards cost: accepting runs beside them, and memory for each."""

import asyncio
import time
from contextlib import AsyncExitStack
from itertools import pairwise
from uuid import UUID

import msgspec

from infra.jetstream.event_store import JetStreamEventStore
from tests.bench.accept import GRAPH
from tests.bench.history import run_events
from tests.bench.listeners import Audience, Heard, listening
from tests.bench.numbers import Measured, middle, summary
from tests.bench.processes import resident
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row
from tests.bench.wire import Connection, request

CLIENTS = 200
RUNS = 50
"""Accepted a second."""

PAIRS = 5
STREAMS = ("changes", "events")

HOW = """`POST /v1/runs` at 50 a second over one connection, each followed at once by the six other
events of its run, appended past the API; beside it 200 clients in a process of their own follow the
tenant. Five pairs with and without them, one after the other; medians. Lost: events of these runs
that a client of `GET /v1/events` did not receive. Memory: what the API's resident memory grew by,
for each client, in the first pair."""
CAUSE = "every client costs a write to its connection; with two cores all processes share them"


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure dashboards."""
    await stack.fresh()
    await stack.start("api", "projector")
    deployment = await stack.deploy("dashboards", GRAPH)
    rows = []
    for stream in STREAMS:
        told(f"{CLIENTS} clients of /v1/{stream}")
        rows += await _rows(stack, scale, deployment, stream)
    return Chapter(title="Dashboards", how=HOW, rows=tuple(rows))


async def _rows(stack: Stack, scale: Scale, deployment: str, stream: str) -> list[Row]:
    alone: list[Measured] = []
    beside: list[Measured] = []
    grown, lost = 0.0, 0
    for number in range(PAIRS if scale.rounds > 1 else 1):
        alone.append((await _accept(stack, scale, deployment))[0])
        before = resident(stack.children["api"].pid)
        async with listening(_audience(stack, stream)) as followers:
            measured, positions = await _accept(stack, scale, deployment)
            after = resident(stack.children["api"].pid)
            # Ends all streams, and with them the followers.
            stack.stop("api")
            heard = await followers.heard()
        beside.append(measured)
        grown = grown if number else (after - before) / CLIENTS / 1024
        lost += _lost(heard, positions) if stream == "events" else 0
        await stack.start("api")
    quiet, busy = middle(alone), middle(beside)
    slower = busy.p50 / quiet.p50 - 1
    rows = [
        Row(
            what=f"accept {RUNS} runs/s beside {CLIENTS} clients of /v1/{stream}",
            goal="≤ 10 % slower" if stream == "changes" else "nothing lost",
            measured=f"{slower:+.0%}: {busy}" + (f", {lost} lost" if stream == "events" else ""),
            ceiling=f"without them {quiet}",
            met=slower <= 0.1 if stream == "changes" else lost == 0,
            cause=CAUSE,
        )
    ]
    memory = Row(
        what=f"{CLIENTS} clients of /v1/{stream}: memory of the API for each",
        goal="≤ 30 KB",
        measured=f"{grown:.0f} KB",
        met=grown <= 30,
        cause="the channel's events are among it, which all of them share",
    )
    return [*rows, memory]


async def _accept(stack: Stack, scale: Scale, deployment: str) -> tuple[Measured, list[int]]:
    """Accept runs at a steady pace; return how long that took, and where their events lie."""
    body = msgspec.json.encode({"deployment_id": deployment, "inputs": {}})
    message = request("POST", "/v1/runs", token=stack.token, body=body)
    spent: list[float] = []
    positions: list[int] = []
    async with AsyncExitStack() as exits:
        connection = await exits.enter_async_context(Connection(stack.port))
        store = JetStreamEventStore(await exits.enter_async_context(stack.nats()))
        began = time.perf_counter()
        for number in range(int(RUNS * 2 * scale.seconds)):
            await asyncio.sleep(max(0.0, began + number / RUNS - time.perf_counter()))
            asked_at = time.perf_counter()
            answer = await connection.ask(message)
            spent.append(time.perf_counter() - asked_at)
            run = msgspec.json.decode(answer.body)
            positions += await _rest(store, UUID(run["id"]), int(run["position"]))
        seconds = time.perf_counter() - began
        # For the last messages to arrive.
        await asyncio.sleep(1)
    return summary(spent, seconds), positions


async def _rest(store: JetStreamEventStore, run_id: UUID, last: int) -> list[int]:
    """Append what happens to a run after its birth, as a worker would."""
    _, claimed, *others = run_events(run_id)
    positions = [last]
    for commit in ([claimed], others[:2], others[2:]):
        appended = await store.append(commit, expected=positions[-1])
        positions += [event.position for event in appended]
    assert all(one < two for one, two in pairwise(positions))
    return positions


def _audience(stack: Stack, stream: str) -> Audience:
    message = request("GET", f"/v1/{stream}", token=stack.token, headers=("Connection: close",))
    return Audience(port=stack.port, request=message, clients=CLIENTS)


def _lost(heard: Heard, positions: list[int]) -> int:
    return sum(CLIENTS - len(heard.times.get(place, [])) for place in positions)
