"""How many can follow one run, how late they hear of it, and what each of them costs."""

import asyncio
import resource
import time
from collections.abc import Mapping
from uuid import UUID, uuid4

from events.run.progress import Progress
from events.run.status import Status
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.run_progress import ProgressSender
from tests.bench.history import birth, changed, entry
from tests.bench.listeners import Audience, Heard, listening
from tests.bench.numbers import median, percentile
from tests.bench.processes import resident
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row
from tests.bench.wire import Connection, request

EVENTS = 50
PAUSE = 0.05
"""Seconds between two events."""

SPARE_FILES = 500
GOAL_CLIENTS = 1000
HOW = """All follow the same run with `GET /v1/runs/{id}/events` from a process of their own; 50
events are appended 50 ms apart, with progress in between. Lag: from before the append to each
client's receipt, on one clock; lost: receipts that are missing. Ceiling: an ASGI app without a
framework that broadcasts events of the same size, from before the POST to the receipt. Memory: what
the API's resident memory grew by, for each client; its allocator keeps some of it afterwards."""
CAUSE = """one Python process writes to every client in turn; the followers share its cores, and the
ceiling shows what the writing alone costs."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure fan-out."""
    rows = []
    for clients in scale.followers:
        await stack.fresh()
        await stack.start("api", "bare")
        told(f"{clients} followers of one run")
        rows += await _rows(stack, scale, clients)
    if scale.idle_followers:
        told(f"{scale.idle_followers:,} idle followers")
        rows.append(await _idle(stack, scale.idle_followers))
    return Chapter(title="Following", how=HOW, rows=tuple(rows))


async def _rows(stack: Stack, scale: Scale, clients: int) -> list[Row]:
    ours: list[list[float]] = []
    bare: list[list[float]] = []
    lost, grown = 0, 0.0
    for number in range(scale.rounds):
        before = resident(stack.children["api"].pid)
        heard, sent, after = await _follow_run(stack, clients)
        # The first round alone: later ones use the memory that it left.
        grown = grown if number else (after - before) / clients / 1024
        ours.append(_lags(heard, sent))
        lost += clients * EVENTS - len(ours[-1])
        bare.append(_lags(*await _follow_bare(stack, clients)))
    p99 = _middle(ours, 99)
    large = clients >= GOAL_CLIENTS
    row = Row(
        what=f"{clients:,} follower{'s' if clients > 1 else ''} of one run: lag",
        goal="nothing lost, p99 < 200 ms" if large else "nothing lost",
        measured=f"{lost} lost, p50 {_middle(ours, 50):.1f}, p99 {p99:.1f} ms",
        ceiling=f"p50 {_middle(bare, 50):.1f}, p99 {_middle(bare, 99):.1f} ms",
        ratio=f"p99 {p99 / _middle(bare, 99):.1f}",
        met=lost == 0 and (p99 < 200 or not large),
        cause=CAUSE,
    )
    return [row, _memory_row(f"{clients:,} followers", grown)] if clients >= 100 else [row]


def _memory_row(who: str, kilobytes: float) -> Row:
    return Row(
        what=f"{who}: memory of the API for each",
        goal="≤ 30 KB",
        measured=f"{kilobytes:.0f} KB",
        met=kilobytes <= 30,
        cause="a connection, a request and a suspended handler of the framework are most of it",
    )


async def _follow_run(stack: Stack, clients: int) -> tuple[Heard, Mapping[int, float], int]:
    """Return what was heard, when each event was sent, and the API's memory meanwhile."""
    run_id = uuid4()
    async with stack.nats() as client:
        store = JetStreamEventStore(client)
        [born] = await store.append([birth(run_id)], expected=0)
        progress = ProgressSender(client, run_id)
        async with listening(_audience(stack, run_id, clients)) as followers:
            memory = resident(stack.children["api"].pid)
            sent, last = {}, born.position
            for number in range(EVENTS):
                status = Status.SUCCESS if number == EVENTS - 1 else Status.RUNNING
                event = entry(run_id, changed(status), version=number + 2, status=status)
                began = time.monotonic()
                [stored] = await store.append([event], expected=last)
                last = stored.position
                sent[last] = began
                await progress.send(Progress(percent=2 * number, message="bench"))
                await asyncio.sleep(PAUSE)
            return await followers.heard(), sent, memory


def _audience(stack: Stack, run_id: UUID, clients: int) -> Audience:
    # "Connection: close" lets the stream's end be the connection's.
    message = request(
        "GET", f"/v1/runs/{run_id}/events", token=stack.token, headers=("Connection: close",)
    )
    return Audience(port=stack.port, requests=(message,), clients=clients)


async def _follow_bare(stack: Stack, clients: int) -> tuple[Heard, Mapping[int, float]]:
    event = entry(uuid4(), changed(Status.RUNNING), version=2, status=Status.RUNNING)
    data = b"event: run.status_changed.v1\ndata: %s\n\n" % (b"x" * len(repr(event)))
    message = request("GET", "/events", headers=("Connection: close",))
    audience = Audience(port=stack.bare_port, requests=(message,), clients=clients)
    sent = {}
    async with listening(audience) as followers, Connection(stack.bare_port) as connection:
        for number in range(1, EVENTS + 1):
            sent[number] = time.monotonic()
            await connection.ask(request("POST", "/events", body=b"id: %d\n%s" % (number, data)))
            await asyncio.sleep(PAUSE)
        await connection.ask(request("POST", "/events", body=b""))
        return await followers.heard(), sent


def _lags(heard: Heard, sent: Mapping[int, float]) -> list[float]:
    """Return the milliseconds until each receipt; an event received twice counts once."""
    return [
        (at - began) * 1000 for place, began in sent.items() for at in heard.times.get(place, [])
    ]


def _middle(rounds: list[list[float]], percent: float) -> float:
    return median(percentile(lags, percent) for lags in rounds if lags)


async def _idle(stack: Stack, clients: int) -> Row:
    who = f"{clients:,} idle followers"
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < clients + SPARE_FILES:
        return Row(what=who, goal="≤ 30 KB", measured=f"not run: only {files:,} open files")
    await stack.fresh()
    await stack.start("api")
    run_id = uuid4()
    async with stack.nats() as client:
        await JetStreamEventStore(client).append([birth(run_id)], expected=0)
    api = stack.children["api"].pid
    before = resident(api)
    async with listening(_audience(stack, run_id, clients)):
        grown = (resident(api) - before) / clients / 1024
    return _memory_row(who, grown)
