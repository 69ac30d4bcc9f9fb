"""The stream of a batch: what happens to any of its runs, and their counts.

Ids are positions in the log, so a client that comes back with the last one misses nothing. A client
that reads slowly is waited for: a batch has more events than are worth a new connection each time.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from msgspec import Struct

from app.live.broadcaster import Broadcaster
from app.live.frames import Frame
from app.live.subscription import Topic
from app.reads.runs.batch_status import BatchStatus, Tally, tally_at
from app.reads.runs.recent_writes import RecentWrites
from events.aggregates import BATCH, RUN
from events.batch import Batch
from events.run.redaction import redact_after
from events.subjects import kind_of
from infra.event_store import EventStore
from infra.jetstream.log.aggregates import LogReader
from infra.telemetry.api_metrics import ApiMetrics

COUNTS_EVERY = 0.25
"""Seconds between two pieces with new counts."""


class Start(Struct, frozen=True, kw_only=True):
    """Where a stream begins."""

    tally: Tally
    status: BatchStatus
    """At the position behind which the stream begins."""


class BatchPiece(Struct, frozen=True, kw_only=True):
    """What is to be sent to one client now."""

    frames: Sequence[Frame]
    """Events of the runs, without what may not be shown any more."""

    counts: BatchStatus | None
    """New counts, if it is time for them."""


class BatchStreams:
    """Opens the streams of batches."""

    def __init__(
        self,
        broadcaster: Broadcaster,
        log: LogReader,
        store: EventStore,
        recent: RecentWrites,
        metrics: ApiMetrics,
    ) -> None:
        self._broadcaster = broadcaster
        self._log = log
        self._store = store
        self._recent = recent
        self._metrics = metrics

    async def start(self, batch: Batch, after: int | None) -> Start:
        """Return where a stream begins; see start_at."""
        start = await start_at(self._log, self._store, batch, after)
        self._note(start.status)
        return start

    async def follow(self, start: Start) -> AsyncGenerator[BatchPiece, None]:
        """Yield what happens after *start*; see follow_batch."""
        if start.status.done:
            return
        with self._metrics.batch_stream():
            async with aclosing(follow_batch(self._broadcaster, start)) as pieces:
                async for piece in pieces:
                    if piece.counts is not None:
                        self._note(piece.counts)
                    yield piece

    def _note(self, status: BatchStatus) -> None:
        """Remember what was sent: no other route may show this client anything older."""
        self._recent.note(status.batch.id, status.position)


async def start_at(log: LogReader, store: EventStore, batch: Batch, after: int | None) -> Start:
    """Return how a batch stood at a position; without one, how it stands now.

    Raises:
        LogUnavailable: the log does not answer.

    """
    head = await log.head()
    tally = now = await tally_at(log, store, batch, head)
    position = head if after is None else min(after, head)
    if position < head:
        tally = await tally_at(log, store, batch, position)
        # What was erased since then is not shown any more, though it comes after the position.
        tally.erased |= now.erased
    return Start(tally=tally, status=tally.status(position))


async def follow_batch(broadcaster: Broadcaster, start: Start) -> AsyncGenerator[BatchPiece, None]:
    """Yield what happens after *start* until every run has ended; an empty piece as a heartbeat."""
    tally, sent = start.tally, start.status
    position, sent_at = sent.position, time.monotonic()
    names = [BATCH.name(tally.batch.id), *map(RUN.name, tally.batch.run_ids)]
    wait: float | None = None
    with broadcaster.follow(Topic(aggregates=names, patient=True), after=position) as subscription:
        while not subscription.closed:
            piece = await subscription.next(wait)
            for frame in piece.frames:
                tally.note(frame.recorded)
                position = frame.position
            status = tally.status(position)
            news = (status.batch, status.counts) != (sent.batch, sent.counts)
            due = status.done or (news and time.monotonic() - sent_at >= COUNTS_EVERY)
            if piece.frames or due or piece.beat:
                frames = [
                    _shown(frame, tally, broadcaster)
                    for frame in piece.frames
                    if kind_of(frame.recorded.aggregate) == RUN.kind
                ]
                yield BatchPiece(frames=frames, counts=status if due else None)
            if status.done:
                return
            if due:
                sent, sent_at = status, time.monotonic()
            wait = COUNTS_EVERY if news and not due else None


def _shown(frame: Frame, tally: Tally, broadcaster: Broadcaster) -> Frame:
    recorded = frame.recorded
    shown = redact_after(tally.erased.get(recorded.aggregate), recorded)
    return frame if shown is recorded else broadcaster.frame_of(shown)
