"""How one piece of work is delivered: heartbeats while it is done, then the right answer.

The framework's own policies lose work or repeat it in a hot loop (docs/adr/0005), so every message
is answered here and nowhere else.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from uuid import UUID

import msgspec

from events.errors import Superseded
from infra.event_store import AggregateFull, LogUnavailable, VersionConflict
from infra.jetstream.errors import Unanswered
from infra.jetstream.work.consumers import ACK_WAIT
from infra.jetstream.work.delivery import Delivery
from infra.jetstream.work.queue import WorkQueue, identifier_in
from infra.telemetry.worker_metrics import Delivered

log = logging.getLogger(__name__)

HEARTBEAT = ACK_WAIT / 4
LONGEST_DELAY = 30.0
TRIES = 8
"""How often work may break a worker before it is put aside."""

LET_GO_WITHIN = 5.0
"""Seconds that cancelled work has for closing what it holds."""

REMEMBERED = 1_000
"""Pieces of broken work that a worker counts; the oldest is forgotten for one more."""

PASSING = (LogUnavailable, VersionConflict, Unanswered, TimeoutError, ConnectionError)
"""Errors that pass by themselves: the work is postponed, and has not failed."""

Handler = Callable[[UUID, int], Awaitable[None]]
"""Does the work of a run, a batch or a machine; takes its id and the number of the delivery."""

OnGiveUp = Callable[[UUID, str], Awaitable[None]]
"""Ends work that cannot be done; takes its id and the error."""


class FailureCounts:
    """How often each piece of work has broken this worker.

    NATS counts deliveries, but most of these are postponements: work that has waited for a drained
    machine has not failed once.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def note(self, place: int) -> int:
        """Count one more for the work at *place* in its stream; return the sum."""
        self._counts[place] = self._counts.get(place, 0) + 1
        if len(self._counts) > REMEMBERED:
            del self._counts[next(iter(self._counts))]
        return self._counts[place]


class InHand:
    """The deliveries that this process is working on."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Count the current task in during the block."""
        task = asyncio.current_task()
        assert task is not None  # this is called from a coroutine
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def let_go(self) -> None:
        """Cancel all of them; unanswered, they come to another worker."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LET_GO_WITHIN)


class RetryLater(Exception):
    """The work cannot be done now; nothing is wrong with it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"again in {seconds:.1f} s")


def growing_delay(delivery: int) -> float:
    """Return the pause after the *delivery*-th try, in seconds: 1, 2, 4 … 30."""
    return min(2.0 ** min(delivery - 1, 10), LONGEST_DELAY)


async def deliver(
    message: Delivery,
    handler: Handler,
    *,
    on_give_up: OnGiveUp | None,
    queue: WorkQueue,
    failures: FailureCounts,
) -> Delivered:
    """Do the work in *message* and answer it; without *on_give_up* it is tried for ever."""
    try:
        identifier = identifier_in(message.body)
    except msgspec.DecodeError as error:
        with suppress(LogUnavailable):
            await _bury(message, queue, repr(error))
        return Delivered.BURIED
    try:
        async with _heartbeats(message):
            await handler(identifier, message.number)
    except RetryLater as later:
        await message.nack(delay=later.seconds)
        return Delivered.LATER
    except Superseded:
        # Another worker has the run. An acknowledgement of ours would count as its own.
        log.info("work.superseded", extra={"run_id": str(identifier)})
        return Delivered.SUPERSEDED
    except PASSING as error:
        log.warning("work.postponed", extra={"error": repr(error), "delivery": message.number})
        await message.nack(delay=growing_delay(message.number))
        return Delivered.POSTPONED
    except Exception as error:  # noqa: BLE001 -- the boundary of the process: nothing may be lost
        return await _broken(
            message, failures.note(message.position), error, on_give_up=on_give_up, queue=queue
        )
    await message.ack_sync()
    return Delivered.DONE


async def _broken(
    message: Delivery,
    times: int,
    error: Exception,
    *,
    on_give_up: OnGiveUp | None,
    queue: WorkQueue,
) -> Delivered:
    identifier = identifier_in(message.body)
    about = {"work": message.subject, "id": str(identifier), "times": times}
    log.error("work.broken", exc_info=error, extra=about)
    if on_give_up is None or times < TRIES:
        await message.nack(delay=growing_delay(times))
        return Delivered.BROKEN
    with suppress(*PASSING):
        with suppress(AggregateFull):  # Then the run has no room left to say so.
            await on_give_up(identifier, repr(error))
        await _bury(message, queue, repr(error))
    return Delivered.BURIED


async def _bury(message: Delivery, queue: WorkQueue, error: str) -> None:
    await queue.bury(message.subject, message.body, message_id=message.id, error=error)
    await message.ack_sync()


@asynccontextmanager
async def _heartbeats(message: Delivery) -> AsyncIterator[None]:
    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            await message.in_progress()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
