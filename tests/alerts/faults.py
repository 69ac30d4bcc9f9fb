"""Ways to break a running comfyd, each undone at the end of its block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID, uuid4

import psutil
from psycopg import sql

from events.subjects import LOG, UPLOAD_WORK, WORK, aggregate, subject
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.work.consumers import render_consumer
from infra.postgres import connect
from tests.builders.facts import created, draft

A_WHILE = timedelta(hours=2)
"""Age of a run that has waited too long by every rule."""


async def old_run(client: Client, machine_id: str) -> UUID:
    """Record a run that was made a while ago, and waits for its machine."""
    run_id = uuid4()
    made = datetime.now(UTC) - A_WHILE
    born = created(run_id=run_id, machine_id=UUID(machine_id), at=made)
    await JetStreamEventStore(client).append([draft(born, version=1, run_id=run_id)], expected=0)
    return run_id


async def events_of_a_newer_version(client: Client, count: int) -> None:
    """Record events of one run that this version cannot read."""
    name = subject(aggregate("run", uuid4()))
    headers = {"ce-type": "run.invented.v9", "x-version": "1"}
    stream = client.jetstream()
    pending = [
        await stream.publish_async(name, b"{}", headers={**headers, "Nats-Msg-Id": uuid4().hex})
        for _ in range(count)
    ]
    await asyncio.gather(*pending)


async def garbage(client: Client) -> None:
    """Queue work that names no run."""
    await client.jetstream().publish(UPLOAD_WORK, b"garbage", stream=WORK)


@asynccontextmanager
async def paused(client: Client, machine_id: str) -> AsyncIterator[None]:
    """Have NATS give nobody the runs of a machine."""
    call = f"CONSUMER.PAUSE.{WORK}.{render_consumer(UUID(machine_id))}"
    until = (datetime.now(UTC) + A_WHILE).isoformat()
    await api(client, call, {"pause_until": until}, within=5)
    try:
        yield
    finally:
        await api(client, call, {}, within=5)


@asynccontextmanager
async def locked(postgres_url: str, table: str, mode: LiteralString) -> AsyncIterator[None]:
    """Hold a lock on a table of Postgres'."""
    statement = sql.SQL("LOCK TABLE {table} IN {mode} MODE").format(
        table=sql.Identifier(*table.split(".")),
        mode=sql.SQL(mode),
    )
    async with connect(postgres_url) as connection, connection.transaction():
        await connection.execute(statement)
        yield


@asynccontextmanager
async def without_table(postgres_url: str, schema: str, table: str) -> AsyncIterator[None]:
    """Rename a table, so that it is missing."""
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    async with connect(postgres_url) as connection:
        here, away = sql.Identifier(table), sql.Identifier("away")
        await connection.execute(rename.format(sql.Identifier(schema, table), away))
        try:
            yield
        finally:
            await connection.execute(rename.format(sql.Identifier(schema, "away"), here))


@asynccontextmanager
async def few_files(pid: int) -> AsyncIterator[None]:
    """Limit a process to few more open files than it has."""
    process = psutil.Process(pid)
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds() + 4, before[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, before)


async def follower_of_the_log(client: Client) -> int:
    """Return the number of a node that keeps the log and leads none of it."""
    info = await api(client, f"STREAM.INFO.{LOG}", {}, within=5)
    return int(info["cluster"]["replicas"][0]["name"].removeprefix("node"))
