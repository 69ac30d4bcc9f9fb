"""The stream of a batch: what happens to any of its runs, from the log itself.

Ids are positions in the log, so a client that comes back with the last one misses nothing. Each
client has a reader of its own, which stands still while the client does not read: it then holds a
window of messages and no more.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from msgspec import Struct
from msgspec.structs import replace

from app.batch_standing import Standing, Tally, tally_at
from app.house import House
from app.hub import HEARTBEAT
from events.aggregates import BATCH, RUN
from events.batch import Batch
from events.envelope import AnyRecorded, Recorded
from events.run.redaction import without_private_words
from events.subjects import kind_of
from infra.jetstream.log.reader import LogInterrupted

log = logging.getLogger(__name__)

WINDOW = 100
"""Events that are read ahead of a client."""

COUNTS_EVERY = 0.25
"""Seconds between two pieces with new counts."""

LOOK_EVERY = 1.0
"""Seconds between looks whether the process is about to stop."""

RECONNECT = 0.5
"""Seconds before a reader that lost its place begins anew."""


class Start(Struct, frozen=True, kw_only=True):
    """Where a stream begins."""

    tally: Tally
    standing: Standing
    """At the position behind which the stream begins."""


class Piece(Struct, frozen=True, kw_only=True):
    """What is to be told to one client now."""

    events: Sequence[AnyRecorded]
    """Without what may not be shown any more."""

    counts: Standing | None
    """New counts, if it is time for them."""


async def start_at(house: House, batch: Batch, after: int | None) -> Start:
    """Find out how a batch stood at a position; without one, how it stands now.

    Raises:
        LogUnavailable: the log does not answer.

    """
    head = await house.log_groups.head()
    tally = now = await tally_at(house, batch, head)
    position = head if after is None else min(after, head)
    if position < head:
        tally = await tally_at(house, batch, position)
        # What was erased since then is not shown any more, though it comes after the position.
        tally.erased |= now.erased
    return Start(tally=tally, standing=tally.standing(position))


async def follow_batch(house: House, start: Start) -> AsyncGenerator[Piece, None]:
    """Yield what happens after *start* until every run has ended; an empty piece now and then."""
    tally, told = start.tally, start.standing
    position, told_at = told.position, time.monotonic()
    heard_at, wait = told_at, LOOK_EVERY
    reader = _Reader(house, tally.batch, position)
    try:
        while not house.hub.closed:
            entries = await reader.next(wait)
            now = time.monotonic()
            for entry in entries:
                tally.note(entry)
                position = entry.position
            silent = not entries and now - heard_at >= HEARTBEAT
            standing = tally.standing(position)
            news = (standing.batch, standing.counts) != (told.batch, told.counts)
            due = standing.done or (news and now - told_at >= COUNTS_EVERY)
            if entries or due or silent:
                heard_at = now
                events = [_shown(e, tally) for e in entries if kind_of(e.aggregate) == RUN.kind]
                yield Piece(events=events, counts=standing if due else None)
            if standing.done:
                return
            if due:
                told, told_at = standing, now
            wait = COUNTS_EVERY if news and not due else LOOK_EVERY
    finally:
        reader.close()


def _shown(recorded: AnyRecorded, tally: Tally) -> AnyRecorded:
    if recorded.aggregate not in tally.erased:
        return recorded
    return replace(recorded, event=without_private_words(recorded.event))


class _Reader:
    """Reads the events of a batch's runs ahead of one client, in a task of its own.

    So the client may go at any moment: the task still has the time to let its consumer go.
    """

    def __init__(self, house: House, batch: Batch, after: int) -> None:
        self._groups = house.log_groups
        self._names = [BATCH.name(batch.id), *map(RUN.name, batch.run_ids)]
        self._read: asyncio.Queue[list[AnyRecorded]] = asyncio.Queue(maxsize=1)
        self._task = asyncio.create_task(self._run(after))

    async def next(self, seconds: float) -> list[AnyRecorded]:
        """Give what has been read, nothing if nothing comes within that many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._read.get()
        return []

    def close(self) -> None:
        """Stop reading. Not async: a stream whose client has gone may not wait any more."""
        self._task.cancel()

    async def _run(self, position: int) -> None:
        while True:
            try:
                async with aclosing(
                    self._groups.follow(self._names, after=position, limit=WINDOW)
                ) as batches:
                    async for entries in batches:
                        await self._read.put([e for e in entries if isinstance(e, Recorded)])
                        position = entries[-1].position
            except LogInterrupted as error:
                log.info("batch_stream.interrupted", extra={"error": str(error)})
                await asyncio.sleep(RECONNECT)
