"""comfyd thumbnails: has the thumbnails of all runs made that are missing."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import click
from rich.progress import Progress, TextColumn

from consumers.cli.command_line import language, refusals, refuse, run, settings_or_exit
from events.messages.texts import Texts
from events.work import thumbnail_piece
from infra import clock
from infra.event_store import LogUnavailable
from infra.gather_bounded import gather_bounded
from infra.jetstream.connection import connected
from infra.jetstream.work.consumers import THUMBNAILS
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import Pool, open_pool
from infra.settings.settings import Settings
from infra.translation import translate
from projections.erasing import THE_FIRST, Kept, runs_with_data

AT_A_TIME = 100
"""Runs that are queued together. The thumbnails of new runs wait behind twice as many at most."""

AT_ONCE = 16
PAUSE = 0.25

WORDS: Texts = {
    "thumbnails_queued": "runs whose thumbnails are queued",
    "thumbnails_done": "thumbnails of {count} runs are queued; workers make those that are missing",
    "queue_away": "NATS does not answer ({reason}); run it again when it does",
}


@click.command(name="thumbnails")
def thumbnails_command() -> None:
    """Have workers make the thumbnails that are missing, of all runs."""
    settings = settings_or_exit()
    try:
        with refusals():
            count = run(_request_all(settings))
    except LogUnavailable as error:
        refuse(translate(WORDS["queue_away"], language(), {"reason": str(error)}))
    click.echo(translate(WORDS["thumbnails_done"], language(), {"count": str(count)}))


async def _request_all(settings: Settings) -> int:
    async with (
        connected(settings.nats_url, name="thumbnails") as client,
        open_pool(settings.postgres_url, size=1) as pool,
    ):
        with Progress(TextColumn("{task.description}: {task.completed:.0f}")) as bar:
            task = bar.add_task(translate(WORDS["thumbnails_queued"], language()), total=None)
            return await request_thumbnails(
                pool,
                WorkQueue(client),
                now=clock.now(),
                on_progress=lambda runs: bar.advance(task, runs),
            )


async def request_thumbnails(
    pool: Pool, queue: WorkQueue, *, now: datetime, on_progress: Callable[[int], None]
) -> int:
    """Queue the thumbnails of all runs that have ended and are not erased; return their number.

    Workers are some hundred runs behind at most: while they are further, this waits for them. It
    may be done twice, or twice at the same time.

    Raises:
        LogUnavailable, PostgresUnavailable: not all were queued; run it again.

    """

    async def put(kept: Kept) -> None:
        await queue.put_piece(thumbnail_piece(kept.run_id))

    count, last = 0, THE_FIRST
    while True:
        async with pool.connection() as connection:
            found = await runs_with_data(connection, before=now, after=last, limit=AT_A_TIME)
        await gather_bounded(put, found, at_once=AT_ONCE)
        while await queue.count(THUMBNAILS) >= AT_A_TIME:  # noqa: ASYNC110 -- others do the work
            await asyncio.sleep(PAUSE)
        count += len(found)
        on_progress(len(found))
        if len(found) < AT_A_TIME:
            return count
        last = found[-1]
