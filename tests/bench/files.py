"""How fast a large file is fetched from the API, beside the storage itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from uuid import uuid4

import aiohttp

from infra.jetstream.event_store import JetStreamEventStore
from infra.s3.keys import output_key
from infra.s3.storage import open_object_storage
from infra.s3.urls import FILES, file_address, where_files_are
from infra.settings.settings import settings_from
from tests.bench.numbers import median
from tests.bench.processes import resident
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row, times
from tests.builders.stored_runs import record_run

SIZE = 200 * 1000 * 1000
PIECE = 256 * 1024
MEGABYTE = 1_000_000
CLIENTS = (1, 4)
STALLED = 100
"""Clients that take nothing."""

HOW = """A file of 200 MB, an output of a run, fetched whole over fresh connections by one Python
process: from `/files` of one API process, and from the embedded SeaweedFS by its public URL, in
turn. All share the cores. Memory: what the API's resident memory grew by while 100 clients
had asked for the file and took nothing, for each."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure files."""
    await stack.fresh()
    key = await _stored(stack)
    await stack.start("api")
    spaces = settings_from(stack.env).spaces
    served = where_files_are(settings_from(stack.env))
    ours = f"http://127.0.0.1:{stack.port}{FILES}/{file_address(served, key)}"
    direct = f"{spaces.endpoint_cdn}/{spaces.bucket}/{key}"
    rows = []
    for clients in CLIENTS:
        told(f"200 MB, {clients} clients")
        rows.append(await _row(ours, direct, clients, scale))
    told(f"{STALLED} stalled clients")
    rows.append(await _stalled(stack, ours))
    return Chapter(title="Files", how=HOW, rows=tuple(rows))


async def _stored(stack: Stack) -> str:
    run_id = uuid4()
    async with open_object_storage(settings_from(stack.env).spaces) as storage:
        key = output_key(run_id, "film.mp4")
        stored = await storage.put_stream(key, _content(), "video/mp4")
    async with stack.nats() as client:
        await record_run(JetStreamEventStore(client), run_id, "film.mp4", stored)
    return key


async def _content() -> AsyncIterator[bytes]:
    left = SIZE
    while left:
        piece = bytes(min(left, PIECE))
        left -= len(piece)
        yield piece


async def _row(ours: str, direct: str, clients: int, scale: Scale) -> Row:
    found: dict[str, list[float]] = {ours: [], direct: []}
    for _ in range(scale.rounds):
        for url, rates in found.items():
            rates.append(await _rate(url, clients))
    served, bare = (median(rates) for rates in found.values())
    return Row(
        what=f"GET /files, 200 MB, {clients} client{'s' if clients > 1 else ''}",
        measured=f"{served:,.0f} MB/s",
        ceiling=f"the storage itself {bare:,.0f} MB/s",
        ratio=times(served, bare),
    )


async def _rate(url: str, clients: int) -> float:
    """Return the megabytes a second of so many downloads at once."""
    async with aiohttp.ClientSession() as session:
        began = time.monotonic()
        await asyncio.gather(*map(partial(_fetch, session), [url] * clients))
        return clients * SIZE / MEGABYTE / (time.monotonic() - began)


async def _fetch(session: aiohttp.ClientSession, url: str) -> None:
    size = 0
    async with session.get(url) as answer:
        async for piece in answer.content.iter_any():
            size += len(piece)
    assert (answer.status, size) == (200, SIZE)


async def _stalled(stack: Stack, url: str) -> Row:
    memory: Callable[[], float] = partial(resident, stack.children["api"].pid)
    before = memory()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        answers = await asyncio.gather(*(session.get(url) for _ in range(STALLED)))
        await asyncio.sleep(3)
        grew = memory() - before
        for answer in answers:
            answer.close()
    return Row(
        what=f"{STALLED} clients that take nothing: memory of the API for each",
        measured=f"{max(grew, 0) / STALLED / 1000:,.0f} KB",
    )
