"""What a shared count of requests costs, on each of the servers that could keep it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import nats.errors
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import KeyWrongLastSequenceError

from app.limits.rate_counter import PostgresCounter
from app.limits.rate_limit import RateLimit
from infra.jetstream.calls import api, checked
from infra.jetstream.connection import Client
from infra.postgres import open_pool
from tests.bench.accept import repeated
from tests.bench.numbers import Measured, middle
from tests.bench.scale import Scale, Told
from tests.bench.stack import Stack
from tests.bench.table import Chapter, Row, times

Take = Callable[[str], Awaitable[object]]

CLIENTS = (1, 16)
SUBJECTS = 200
POOL_SIZE = 8
"""As the API's."""

HOW = """One Python process adds one to a count and learns the new value, again and again, on each
server that could keep it: Postgres (an unlogged table, one upsert), a JetStream counter stream in
memory and on disk (`Nats-Incr`; disk with `sync_interval: always`), and a key-value bucket in
memory (read, then compare and set). *Many subjects*: 200 in turn; *one subject*: all fight for the
same. The last row is what a request pays with leases: the count behind them is Postgres's."""


async def chapter(stack: Stack, scale: Scale, told: Told) -> Chapter:
    """Measure the counters."""
    await stack.fresh()
    rows = []
    async with _takes(stack) as takes:
        for subjects in (SUBJECTS, 1):
            for clients in CLIENTS:
                told(f"counters, {subjects} subjects, {clients} clients")
                rows += await _rows(takes, scale, subjects, clients)
    rows.append(await _leases(stack, scale))
    return Chapter(title="Counting requests", how=HOW, rows=tuple(rows))


async def _rows(takes: dict[str, Take], scale: Scale, subjects: int, clients: int) -> list[Row]:
    found: dict[str, list[Measured]] = {name: [] for name in takes}
    for _ in range(scale.rounds):
        for name, take in takes.items():
            found[name].append(await repeated(_in_turn(take, subjects), clients, scale.seconds))
    postgres = middle(found["Postgres"])
    which = "one subject" if subjects == 1 else "many subjects"
    return [
        Row(
            what=f"count in {name}, {which}, {clients} client{'s' if clients > 1 else ''}",
            measured=str(middle(rounds)),
            ceiling=f"Postgres {postgres.rate:,.0f}/s",
            ratio=times(middle(rounds).rate, postgres.rate),
        )
        for name, rounds in found.items()
    ]


def _in_turn(take: Take, subjects: int) -> Callable[[], Awaitable[None]]:
    numbers = count()

    async def once() -> None:
        await take(f"s{next(numbers) % subjects}")

    return once


async def _leases(stack: Stack, scale: Scale) -> Row:
    async with open_pool(stack.env["POSTGRES_URL"], size=POOL_SIZE) as pool:
        limit = RateLimit("bench", 1_000_000_000, PostgresCounter(pool))
        once = _in_turn(limit.count, SUBJECTS)
        rounds = [await repeated(once, 1, scale.seconds) for _ in range(scale.rounds)]
    return Row(what="count by leases of a hundredth, many subjects", measured=str(middle(rounds)))


@asynccontextmanager
async def _takes(stack: Stack) -> AsyncIterator[dict[str, Take]]:
    async with AsyncExitStack() as exits:
        pool = await exits.enter_async_context(open_pool(stack.env["POSTGRES_URL"], size=POOL_SIZE))
        client = await exits.enter_async_context(stack.nats())
        counter = PostgresCounter(pool)
        yield {
            "Postgres": lambda subject: counter.take(subject, 1),
            "a JetStream counter in memory": await _stream(client, "COUNT_MEMORY", "memory"),
            "a JetStream counter on disk": await _stream(client, "COUNT_DISK", "file"),
            "a key-value bucket in memory": await _bucket(client),
        }


async def _stream(client: Client, name: str, storage: str) -> Take:
    declaration: dict[str, Any] = {
        "name": name,
        "subjects": [f"{name}.*"],
        "storage": storage,
        "allow_msg_counter": True,
        "allow_direct": True,
        "max_msgs_per_subject": 1,
    }
    await api(client, f"STREAM.CREATE.{name}", declaration, within=5)

    async def take(subject: str) -> object:
        headers = {"Nats-Incr": "+1"}
        answer = await client.request(f"{name}.{subject}", b"", headers=headers, timeout=5)
        return int(checked(answer.data)["val"])

    return take


async def _bucket(client: Client) -> Take:
    config = KeyValueConfig(bucket="count", storage=StorageType.MEMORY)
    bucket = await client.jetstream().create_key_value(config)

    async def take(subject: str) -> object:
        while True:
            try:
                entry = await bucket.get(subject)
            except nats.js.errors.KeyNotFoundError:
                await bucket.put(subject, b"0")
                continue
            value = int(entry.value or b"0") + 1
            try:
                await bucket.update(subject, str(value).encode(), entry.revision)
            except KeyWrongLastSequenceError:
                await asyncio.sleep(0)
                continue
            return value

    return take
