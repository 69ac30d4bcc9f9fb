"""What open dashboards cost: accepting runs beside them, and memory for each."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from app.cli.local.sign_in import sign_in_address
from infra.jetstream.event_store import JetStreamEventStore
from tests.bench.accept import GRAPH
from tests.bench.history import run_events
from tests.bench.listeners import Audience, Heard, listening
from tests.bench.numbers import Measured, median, middle, summary
from tests.bench.processes import cpu_seconds, resident
from tests.bench.scale import Scale, Told
from tests.bench.stack import SECRET, USER, Stack
from tests.bench.table import Chapter, Row
from tests.bench.wire import Connection, request
from tests.observe.form_browser import ACCEPT, Browser

CLIENTS = 200
RUNS = 50
"""Accepted a second."""

PAIRS = 5
HOW = """`POST /v1/runs` at 50 a second over one connection, each followed at once by the six other
events of its run, appended past the API; beside it 200 clients in a process of their own. Pages:
the stream of a page, each in a session of its own; with what they read, each page also asks for the
changing part of Home when its stream says so, at most once a second, as a browser does. Five pairs
with and without the clients, in turn first; the same API process all the while. Slower: the median
of what the p50 of accepting differed by within each pair. CPU: of the API, in cores. Lost: events
of these runs that a client of `GET /v1/events` did not receive. Memory: what the API's resident
memory grew by, for each client, in the first pair."""
CAUSE = "every client costs a write to its connection; with two cores all processes share them"


class Load(Struct, frozen=True, kw_only=True):
    """How accepting runs went once."""

    took: Measured
    cpu: float
    """Cores that the API used."""

    positions: Sequence[int]
    """Of all events of the runs."""


class Dashboard(Struct, frozen=True, kw_only=True):
    """One kind of client."""

    name: str
    requests: Sequence[bytes]
    reads: Sequence[bytes] = ()
    is_whole: bool = False
    """Whether each event is sent to it."""

    clients: int = CLIENTS


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure dashboards."""
    await stack.fresh()
    await stack.start("api", "projector")
    deployment = await stack.deploy("dashboards", GRAPH)
    cookies = [await _cookie(stack) for _ in range(CLIENTS)]
    rows = []
    for dashboard in _dashboards(stack, cookies):
        told(f"{dashboard.clients} {dashboard.name}")
        rows += await _rows(stack, scale, deployment, dashboard)
    return Chapter(title="Dashboards", how=HOW, rows=tuple(rows))


async def _cookie(stack: Stack) -> str:
    """Sign in as a browser does; return what it sends from then on."""
    own = f"http://127.0.0.1:{stack.port}"
    async with httpx.AsyncClient(base_url=own, headers=ACCEPT, trust_env=False) as http:
        browser = Browser(http)
        await browser.sign_in(sign_in_address(SECRET, own, user=USER))
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return f"Cookie: {cookies}"


def _dashboards(stack: Stack, cookies: Sequence[str]) -> list[Dashboard]:
    host = f"127.0.0.1:{stack.port}"

    def ask(path: str, *headers: str, token: str = "") -> bytes:
        headers = ("Connection: close", *headers)
        # A cookie's name holds the port, which is the host's.
        return request("GET", path, token=token, headers=headers, host=host)

    streams = [ask("/changes", cookie) for cookie in cookies]
    parts = [ask("/overview", cookie, "Accept: text/html") for cookie in cookies]
    changes = ask("/v1/changes", token=stack.token)
    events = ask("/v1/events", token=stack.token)
    return [
        Dashboard(name="open pages", requests=streams),
        Dashboard(name="open pages, with what they read", requests=streams, reads=parts),
        Dashboard(name="clients of /v1/changes", requests=[changes]),
        # Each of 200 would be sent 350 events a second, which no listener in Python keeps up with.
        Dashboard(
            name="clients of /v1/events", requests=[events], is_whole=True, clients=CLIENTS // 10
        ),
    ]


async def _rows(stack: Stack, scale: Scale, deployment: str, dashboard: Dashboard) -> list[Row]:
    alone: list[Load] = []
    beside: list[Load] = []
    api = stack.children["api"].pid
    audience = Audience(
        port=stack.port,
        requests=dashboard.requests,
        clients=dashboard.clients,
        reads=dashboard.reads,
    )
    grown, lost, reads = 0.0, 0, 0
    # Warm: neither side of the first pair is to pay for it.
    await _accept(stack, QUICKLY, deployment)
    for number in range(PAIRS if scale.rounds > 1 else 1):
        if number % 2 == 0:
            alone.append(await _accept(stack, scale.seconds, deployment))
        before = resident(api)
        async with listening(audience) as followers:
            beside.append(await _accept(stack, scale.seconds, deployment))
            after = resident(api)
            heard = await followers.end()
        grown = grown if number else (after - before) / dashboard.clients / 1024
        lost += _lost(heard, beside[-1].positions, dashboard.clients) if dashboard.is_whole else 0
        reads += heard.reads
        if number % 2:
            alone.append(await _accept(stack, scale.seconds, deployment))
    slower = median(b.took.p50 / a.took.p50 - 1 for a, b in zip(alone, beside, strict=True))
    cpu = f"CPU {_cpu(beside):.2f}"
    also = f"; {lost} lost" if dashboard.is_whole else f"; {reads} reads" if reads else ""
    rows = [
        Row(
            what=f"accept {RUNS} runs/s beside {dashboard.clients} {dashboard.name}",
            goal="nothing lost" if dashboard.is_whole else "≤ 10 % slower",
            measured=f"{slower:+.0%}: {middle([b.took for b in beside])}; {cpu}{also}",
            ceiling=f"without them {middle([a.took for a in alone])}; CPU {_cpu(alone):.2f}",
            met=lost == 0 if dashboard.is_whole else slower <= 0.1,
            cause=CAUSE,
        )
    ]
    memory = Row(
        what=f"{dashboard.clients} {dashboard.name}: memory of the API for each",
        goal="≤ 30 KB",
        measured=f"{grown:.0f} KB",
        met=grown <= 30,
        cause="the channel's events are among it, which all of them share",
    )
    return [*rows, memory]


QUICKLY = 0.4


async def _accept(stack: Stack, seconds: float, deployment: str) -> Load:
    """Accept runs at a steady pace."""
    body = msgspec.json.encode({"deployment_id": deployment, "inputs": {}})
    message = request("POST", "/v1/runs", token=stack.token, body=body)
    spent: list[float] = []
    positions: list[int] = []
    api = stack.children["api"].pid
    async with AsyncExitStack() as exits:
        connection = await exits.enter_async_context(Connection(stack.port))
        store = JetStreamEventStore(await exits.enter_async_context(stack.nats()))
        began, cpu = time.perf_counter(), cpu_seconds(api)
        for number in range(int(RUNS * LONGER * seconds)):
            await asyncio.sleep(max(0.0, began + number / RUNS - time.perf_counter()))
            asked_at = time.perf_counter()
            answer = await connection.ask(message)
            spent.append(time.perf_counter() - asked_at)
            run = msgspec.json.decode(answer.body)
            positions += await _rest(store, UUID(run["id"]), int(run["position"]))
        lasted = time.perf_counter() - began
        used = (cpu_seconds(api) - cpu) / lasted
        # For the last messages to arrive.
        await asyncio.sleep(1)
    return Load(took=summary(spent, lasted), cpu=used, positions=positions)


LONGER = 5
"""Times as long as other loads last: what is looked for is small."""


async def _rest(store: JetStreamEventStore, run_id: UUID, last: int) -> list[int]:
    """Append what happens to a run after its birth, as a worker would."""
    _, claimed, *others = run_events(run_id)
    positions = [last]
    for commit in ([claimed], others[:2], others[2:]):
        appended = await store.append(commit, expected=positions[-1])
        positions += [event.position for event in appended]
    assert all(one < two for one, two in pairwise(positions))
    return positions


def _cpu(loads: Sequence[Load]) -> float:
    return median(load.cpu for load in loads)


def _lost(heard: Heard, positions: Sequence[int], clients: int) -> int:
    return sum(clients - len(heard.times.get(place, [])) for place in positions)
