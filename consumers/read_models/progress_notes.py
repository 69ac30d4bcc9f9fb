"""Notes the latest progress of runs in Postgres, so that those who poll see more than a status."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from infra.jetstream.connection import Client
from infra.jetstream.live import listen_to_all_progress
from infra.postgres import Pool, PostgresError
from projections.hints import forget_progress, note_progress

EVERY = 0.5
"""Seconds between two writes."""

FORGET_AFTER = 600
"""Writes between two sweeps."""


async def note_all_progress(client: Client, pool: Pool, works: Callable[[], bool]) -> None:
    """Write down what is heard while *works*, for ever. What is lost is replaced by the next."""
    latest: dict[str, bytes] = {}

    def hear(run_id: str, progress: bytes) -> None:
        if works():
            latest[run_id] = progress

    await listen_to_all_progress(client, hear)
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
