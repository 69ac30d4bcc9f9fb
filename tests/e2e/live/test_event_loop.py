"""No body, however large or strange, holds up those who ask for something else."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.graphs import MISSING, external, node
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.e2e.worst_bodies import Body, of_any_route, of_batches, of_runs, of_workflows
from tests.observe.described import operations

LONGEST = 0.2
"""Seconds that anybody waits for /health/live, on a machine that has nothing else to do."""

TRIES = 5
"""A busy machine has pauses of its own; a body that holds up the API does it each time."""

LONGEST_ANSWER = 256 * 1024

INPUTS = {"text": "words", "integer": "count", "image": "picture"}
GRAPH = {
    "1": external("Text", INPUTS["text"], default_value=""),
    "2": external("NumberInt", INPUTS["integer"], default_value=1),
    "3": external("Image", INPUTS["image"], default_value_url="https://e.com/a.png"),
    "4": node("SaveImage", images=["3", 0], filename_prefix="loaded"),
}
TAKING_BODIES = [
    pytest.param(method, path, id=operation["operationId"])
    for (method, path), operation in operations().items()
    if "requestBody" in operation
]


class Pulse:
    """How long the answers of a server have taken, as measured in another process."""

    def __init__(self) -> None:
        self._beats: list[tuple[float, float]] = []
        self._beat = asyncio.Condition()

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Read what is measured, until it ends."""
        async for line in stream:
            began, took = map(float, line.split())
            async with self._beat:
                self._beats.append((began, took))
                self._beat.notify_all()

    async def longest(self, began: float, ended: float) -> float:
        """Return the longest answer between two moments, once all of them have come."""
        async with self._beat:
            await self._beat.wait_for(lambda: self._beats and self._beats[-1][0] > ended)
            return max(took for at, took in self._beats if at + took >= began)


@pytest.fixture(scope="module")
async def pulse(system: System) -> AsyncIterator[Pulse]:
    address = urlsplit(system.url)
    where = str(address.hostname), str(address.port), "/health/live"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.pulse", *where),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    pulse = Pulse()
    following = asyncio.create_task(pulse.follow(process.stdout))
    try:
        yield pulse
    finally:
        process.stdin.close()
        await process.wait()
        await following


@pytest.fixture(scope="module")
async def deployment(ada: Tenant) -> str:
    return await ada.deploy(GRAPH)


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
async def test_a_body_of_the_largest_size_holds_up_nobody(
    ada: Tenant, pulse: Pulse, deployment: str, method: str, path: str
) -> None:
    address = path.replace("{environment_name}", "production").replace("{version}", "1")
    address = re.sub(r"\{\w+\}", MISSING, address)
    for name, make in bodies_of(path, deployment):
        body = make()
        waits = []
        for _ in range(TRIES):
            began = time.monotonic()
            answer = await sent(ada.http, method, address, body)
            ended = time.monotonic()
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, f"{name}: {answer.text}"
            assert len(answer.content) < LONGEST_ANSWER, name
            waits.append(await pulse.longest(began, ended))
            if waits[-1] <= allowed():
                break
        assert min(waits) <= allowed(), f"{name}: {waits}"


def allowed() -> float:
    """Return the limit; where more wants to run than there are processors, all takes longer."""
    return LONGEST * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


async def sent(http: httpx.AsyncClient, method: str, path: str, body: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return await http.request(method, path, content=body, headers=headers, timeout=120)


def bodies_of(path: str, deployment: str) -> Iterator[tuple[str, Body]]:
    yield from of_any_route(path)
    if path == "/v1/runs":
        yield from of_runs(deployment, INPUTS)
    elif path == "/v1/batches":
        yield from of_batches(deployment, INPUTS)
    elif path == "/v1/workflows":
        yield from of_workflows()
