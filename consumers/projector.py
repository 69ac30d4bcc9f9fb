"""Keeps the read models up with the log."""

import asyncio
import logging
from contextlib import aclosing

import psycopg

from infra.log_reader import LogInterrupted, head, read_log
from infra.nats_connection import UNANSWERED, Client
from infra.postgres import connect
from infra.telemetry.projector_metrics import ProjectorMetrics
from projections.fold import Fenced, Fold
from projections.health import PROJECTOR
from projections.schema import check_tables, create_tables

log = logging.getLogger(__name__)

BATCH = 500
PAUSE = 0.5
"""Seconds before a new start after Postgres or NATS went away."""


class LogIsShorter(Exception):
    """The tables know more than the log: it was restored or replaced. Rebuild the tables."""


async def project(client: Client, postgres_url: str, metrics: ProjectorMetrics) -> None:
    """Fold the log into the tables, for ever, through every outage; count it in *metrics*.

    Raises:
        LogIsShorter: going on would mix two histories.
        TablesOutdated: an earlier version made the tables.

    """
    while True:
        try:
            await _follow(client, postgres_url, metrics)
        except (Fenced, LogInterrupted, psycopg.Error, *UNANSWERED) as error:
            metrics.restarted()
            log.warning("projector.restarted", extra={"error": repr(error)})
            await asyncio.sleep(PAUSE)


async def _follow(client: Client, postgres_url: str, metrics: ProjectorMetrics) -> None:
    async with connect(postgres_url, name=PROJECTOR) as connection:
        await create_tables(connection)
        await check_tables(connection)
        fold = Fold(connection)
        await fold.start()
        end = await head(client)
        if end < fold.position:
            raise LogIsShorter(f"log ends at {end}, tables stand at {fold.position}")
        log.info("projector.following", extra={"position": fold.position, "head": end})
        async with aclosing(read_log(client, after=fold.position, limit=BATCH)) as batches:
            async for batch in batches:
                await fold.apply(batch)
                metrics.folded(batch)
