"""Notes the latest progress of runs in Postgres, so that those who poll see more than a status."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from events.subjects import live_progress
from infra.jetstream.connection import Client, Msg
from infra.postgres import Pool, PostgresError
from projections.hints import forget_progress, note_progress

EVERY = 0.5
"""Seconds between two writes."""

FORGET_AFTER = 600
"""Writes between two sweeps."""


async def note_all_progress(client: Client, pool: Pool, works: Callable[[], bool]) -> None:
    """Write down what is heard while *works*, for ever. What is lost is replaced by the next."""
    latest: dict[str, bytes] = {}

    async def hear(message: Msg) -> None:
        if works():
            latest[message.subject.rsplit(".", 1)[1]] = message.data

    await client.subscribe(live_progress("*"), cb=hear)
    written = 0
    while True:
        await asyncio.sleep(EVERY)
        if not latest:
            continue
        taken = dict(latest)
        latest.clear()
        with suppress(PostgresError):
            async with pool.connection() as connection:
                await note_progress(connection, taken)
                if written % FORGET_AFTER == 0:
                    await forget_progress(connection)
        written += 1
