"""What comfyd adds to a job: the same graph through comfyd and straight to the stand-in."""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count, pairwise
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import msgspec
from msgspec import Struct

from events.aggregates import RUN
from infra.jetstream.event_store import JetStreamEventStore
from tests.bench.numbers import median, percentile
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row
from tests.bench.wire import Connection, request

Graph = dict[str, Any]
GraphOf = Callable[[object], Graph]

JOBS = (0, 20, 200)
"""Milliseconds a job takes on the machine."""

EXECUTED_NODES = 2
GOAL = 5.0
STEPS = ("claimed", "started", "running", "outputs_produced", "image_uploaded", "success")
"""In the order in which the log has them; a short job may be over before it is seen running."""

INPUT: Graph = {
    "0": {
        "class_type": "ComfyUIDeployExternalNumberInt",
        "inputs": {"input_id": "number", "default_value": 1},
    }
}
HOW = """Runs one after the other, each with another input so that nothing is cached; the whole
system is at work. Ours: from `POST /v1/runs` until the follower of its events has read `done`.
Bare: the same graph, from `POST /prompt` over the word on an open WebSocket until `/history` has
the result. Both in turn against the same stand-in; overhead is the difference to the median of the
bare runs. The steps are the differences between the times at which the log stored a run's
events."""
CAUSE = """a run is five facts or more and one or two pieces of queued work, each on disk before the
next step (`sync_interval: always`), and passes through the reactor and the work queue; see the
steps. For a picture, its transfer into object storage and one more piece of work are part of it."""


def image_graph(number: object) -> Graph:
    """Return a graph that makes a picture of that colour."""
    size = {"width": 256, "height": 256, "batch_size": 1}
    return {
        "1": {"class_type": "EmptyImage", "inputs": {**size, "color": number}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "b"}},
    }


def text_graph(number: object) -> Graph:
    """Return a graph that shows a number as text."""
    return {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": number}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }


GRAPHS: Mapping[str, GraphOf] = {"text": text_graph, "image in S3": image_graph}


class Job(Struct, frozen=True, kw_only=True):
    """One kind of job to be measured."""

    output: str
    graph: GraphOf
    milliseconds: int
    deployment: str


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure the overhead."""
    await stack.fresh()
    await stack.start("comfyui", "api", "projector", "worker")
    rows: list[Row] = []
    numbers = count(1)
    for output, graph in GRAPHS.items():
        deployment = await stack.deploy(output, graph(["0", 0]) | INPUT)
        for milliseconds in JOBS:
            told(f"overhead of a {milliseconds} ms job, {output}")
            job = Job(output=output, graph=graph, milliseconds=milliseconds, deployment=deployment)
            rows += await _rows(stack, job, scale.runs, numbers)
    return Chapter(title="Overhead of a run", how=HOW, rows=tuple(rows))


async def _rows(stack: Stack, job: Job, runs: int, numbers: "count[int]") -> list[Row]:
    ours: list[float] = []
    bare: list[float] = []
    run_ids: list[UUID] = []
    async with Bare.connected(stack.machine_url) as machine, Connection(stack.port) as api:
        await machine.slow_down(job.milliseconds)
        await _run(stack, api, job, next(numbers))  # the first one finds everything cold
        for _ in range(runs):
            bare.append(await machine.run(job.graph(next(numbers))))
            spent, run_id = await _run(stack, api, job, next(numbers))
            ours.append(spent)
            run_ids.append(run_id)
    row = _row(job, ours, bare)
    return [row] if job.milliseconds else [row, await _steps(stack, job, run_ids)]


def _row(job: Job, ours: Sequence[float], bare: Sequence[float]) -> Row:
    base = median(bare)
    added, added95 = median(ours) - base, percentile(ours, 95) - base
    return Row(
        what=f"{job.milliseconds} ms job, {job.output}: overhead",
        goal="" if job.milliseconds else f"p50 ≤ {GOAL:g} ms",
        measured=f"p50 {added:.1f}, p95 {added95:.1f} ms",
        ceiling=f"bare run {base:.1f} ms",
        ratio=f"{median(ours) / base:.2f} of the bare time",
        met=None if job.milliseconds else added <= GOAL,
        cause=CAUSE,
    )


async def _run(stack: Stack, api: Connection, job: Job, number: int) -> tuple[float, UUID]:
    body = msgspec.json.encode({"deployment_id": job.deployment, "inputs": {"number": number}})
    began = time.perf_counter()
    answer = await api.ask(request("POST", "/v1/runs", token=stack.token, body=body))
    run_id = UUID(msgspec.json.decode(answer.body)["id"])
    async with Connection(stack.port) as following:
        events = request("GET", f"/v1/runs/{run_id}/events", token=stack.token)
        await following.listen(events, b"event: done")
    return (time.perf_counter() - began) * 1000, run_id


async def _steps(stack: Stack, job: Job, run_ids: Sequence[UUID]) -> Row:
    steps: dict[str, list[float]] = defaultdict(list)
    async with stack.nats() as client:
        store = JetStreamEventStore(client)
        for run_id in run_ids:
            for one, other in pairwise(await store.read(RUN.name(run_id))):
                spent = (other.recorded_at - one.recorded_at).total_seconds() * 1000
                steps[_named(other.type, other.status)].append(spent)
    shown = ", ".join(f"{name} +{median(steps[name]):.1f}" for name in STEPS if name in steps)
    return Row(what=f"steps of a {job.milliseconds} ms job, {job.output}", measured=f"{shown} ms")


def _named(event_type: str, status: str) -> str:
    name = event_type.split(".")[1]
    return status if name == "status_changed" else name


class Bare:
    """The stand-in without comfyd before it."""

    def __init__(
        self, url: str, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._url = url
        self._http = http
        self._socket = socket

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> "AsyncIterator[Bare]":
        """Connect as a client of a ComfyUI does."""
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/ws?clientId=b") as ws:
            yield cls(url, http, ws)

    async def slow_down(self, milliseconds: int) -> None:
        """Make each job take that long."""
        switches = {"node_seconds": milliseconds / 1000 / EXECUTED_NODES}
        async with self._http.post(f"{self._url}/standin/switches", json=switches) as answer:
            answer.raise_for_status()

    async def run(self, graph: Graph) -> float:
        """Run a graph; give the milliseconds until its result is there."""
        prompt_id = str(uuid4())
        body = {"prompt": graph, "prompt_id": prompt_id, "client_id": "b"}
        began = time.perf_counter()
        async with self._http.post(f"{self._url}/prompt", json=body) as answer:
            answer.raise_for_status()
        await self._hear_the_end(prompt_id)
        while not await self._history(prompt_id):
            pass
        return (time.perf_counter() - began) * 1000

    async def _hear_the_end(self, prompt_id: str) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = msgspec.json.decode(message.data)
            if said["type"] == "execution_success" and said["data"]["prompt_id"] == prompt_id:
                return

    async def _history(self, prompt_id: str) -> object:
        async with self._http.get(f"{self._url}/history/{prompt_id}") as answer:
            return await answer.json()
