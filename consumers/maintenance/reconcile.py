"""Reconciles work with the log: what is open in the log and has no work gets it again.

The reactor passes each fact on once. What it had passed on is gone when the queue is: after a
restore, or a purge; and what it never heard was never passed on. So each worker compares, at its
start and now and then, what the log says is open with the work there is (docs/adr/0022).
Nothing is queued on the word of a heading alone: the log's leader is asked first.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from events.aggregates import BATCH, RUN
from events.batch import MAX_RUNS
from events.codec import UnknownEventType, UnreadableEvent
from events.heading import Heading, is_machine, is_started_batch, may_be_open
from events.ids import batch_run_id
from events.run.status import Status
from events.subjects import OBSERVE_WORK, identifier_of, kind_of
from events.work import Piece, piece_of_batch, piece_of_run
from infra.event_store import EventStore, LogUnavailable, load
from infra.gather_bounded import gather_bounded
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.log.headings import headings_after, last_headings
from infra.jetstream.log.reader import LogInterrupted, head
from infra.jetstream.work.queue import Queued, WorkQueue
from infra.jetstream.work.reactor_durable import ReactorDurable

log = logging.getLogger(__name__)

EVERY = 15.0
"""Seconds between two looks, more or less: workers that were started together drift apart."""

GRACE = timedelta(seconds=10)
"""Age up to which a fact is left to the reactor."""

WAITING = {Status.NOT_STARTED, ""}
"""Status of what no machine has, and of what is no run."""

AT_ONCE = 16
AT_A_TIME = 500
"""Pieces queued before another look at what others have queued meanwhile."""


class Reconciler:
    """What is open in the log, as this worker knows it."""

    def __init__(
        self, client: Client, *, store: EventStore, queue: WorkQueue, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._store = store
        self._queue = queue
        self._now = now
        self._durable = ReactorDurable(client)
        self._position = 0
        self._open: dict[str, Heading] = {}
        self._machines: dict[str, Heading] = {}

    async def keep_up(self, stop: asyncio.Event) -> None:
        """Look at once, and then now and again, until *stop*."""
        while not stop.is_set():
            try:
                await self.look()
            except (LogUnavailable, LogInterrupted) as error:
                log.warning("reconcile.postponed", extra={"error": str(error)})
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY * random.uniform(0.7, 1.3)):  # noqa: S311 -- jitter
                    await stop.wait()

    async def look(self) -> int:
        """Queue work for all that has none; return how many pieces were queued.

        Raises:
            LogUnavailable, LogInterrupted: not everything was looked at; look again.

        """
        if await self._durable.keep():
            log.warning("reactor.made_anew")
        await self._read_on()
        present = await self._queue.queued()
        await self._serve_machines(present)
        if pieces := await self._queue_missing(present):
            log.warning("work.queued_again", extra={"pieces": pieces})
        return pieces

    async def _read_on(self) -> None:
        try:
            end = await head(self._client)
        except (Unanswered, ApiError) as error:
            raise LogUnavailable("the log does not answer") from error
        if end < self._position:
            # It was restored while we ran: what we know is of another history.
            self._position, self._open, self._machines = 0, {}, {}
        if end == self._position:
            return
        if self._position:
            batches = headings_after(self._client, self._position, until=end)
            await self._note_all(batches)
        else:
            await self._note_all(last_headings(self._client, until=end))
        self._position = end

    async def _note_all(self, batches: AsyncGenerator[list[Heading], None]) -> None:
        async with aclosing(batches):
            async for batch in batches:
                for heading in batch:
                    self._note(heading)

    def _note(self, heading: Heading) -> None:
        for known, belongs in ((self._open, may_be_open), (self._machines, is_machine)):
            if belongs(heading):
                known[heading.aggregate] = heading
            else:
                known.pop(heading.aggregate, None)

    async def _serve_machines(self, present: Queued) -> None:
        """Make a consumer for each machine, and have those looked at that had none."""
        known = {identifier_of(h.aggregate) for h in self._old(self._machines.values())}
        # A run may have come for a machine when its consumer was gone: a look finds and fails it.
        missing = await self._queue.keep_consumers(known | present.machines)
        for machine_id in missing & known:
            log.warning("machine.served_again", extra={"machine_id": str(machine_id)})
            message_id = f"served:{machine_id}:{self._now().timestamp() // EVERY}"
            await self._queue.put(OBSERVE_WORK, machine_id, message_id=message_id)

    async def _queue_missing(self, present: Queued) -> int:
        due = sorted(self._old(self._open.values()), key=lambda heading: heading.position)
        begun = [heading for heading in due if heading.status not in WAITING]
        waiting = [heading for heading in due if heading.status in WAITING]
        # A machine has room for few runs at once. What it has already comes first: others would
        # wait behind that, in all the room there is, while no worker follows or stops it.
        return await self._queue_all(begun, present) + await self._queue_all(waiting, present)

    async def _queue_all(self, due: list[Heading], present: Queued) -> int:
        pieces = 0
        while missing := [h for h in due if identifier_of(h.aggregate) not in present.owners]:
            some, due = missing[:AT_A_TIME], missing[AT_A_TIME:]
            give_work = partial(self._give_work, present=present)
            pieces += sum(await gather_bounded(give_work, some, at_once=AT_ONCE))
            present = await self._queue.queued() if due else present
        return pieces

    async def _give_work(self, heading: Heading, *, present: Queued) -> bool:
        try:
            piece = await self._piece(heading)
        except (UnknownEventType, UnreadableEvent) as error:
            # A newer comfyd wrote it; a newer comfyd looks after it.
            log.warning("reconcile.unreadable", extra={"error": str(error)})
            piece = None
        if piece is None:
            if self._open.get(heading.aggregate) is heading:
                del self._open[heading.aggregate]
            return False
        # Where earlier versions queue all work together, it may be among the rest: that goes first.
        return piece.shared not in present.shared and await self._queue.put_piece(piece)

    async def _piece(self, heading: Heading) -> Piece | None:
        """Return the work that is due, as the leader of the log knows it."""
        identifier = identifier_of(heading.aggregate)
        if kind_of(heading.aggregate) == RUN.kind:
            run = (await load(self._store, RUN, identifier)).state
            return piece_of_run(run) if run else None
        if is_started_batch(heading) and not await self._has_runs_to_stop(identifier):
            return None
        batch = (await load(self._store, BATCH, identifier)).state
        return piece_of_batch(batch) if batch else None

    async def _has_runs_to_stop(self, batch_id: UUID) -> bool:
        """Whether a run of a batch is open that was not asked to stop."""
        for run_id in (batch_run_id(batch_id, index) for index in range(MAX_RUNS)):
            if RUN.name(run_id) in self._open:
                run = (await load(self._store, RUN, run_id)).state
                if run and not run.ended and not run.cancel_requested:
                    return True
        return False

    def _old(self, headings: Iterable[Heading]) -> list[Heading]:
        before = self._now() - GRACE
        return [heading for heading in headings if heading.recorded_at < before]
