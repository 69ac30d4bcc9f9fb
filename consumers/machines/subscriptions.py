"""Keeps a worker listening for the runs of every machine there is, and looking at each of them."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from events import subjects
from infra.event_store import LogUnavailable
from infra.jetstream.work.broker import Broker, Stop
from infra.jetstream.work.consumers import RUNS_PER_MACHINE, render_consumer
from infra.jetstream.work.delivery import OnDelivery
from infra.jetstream.work.queue import WorkQueue

log = logging.getLogger(__name__)

LOOK_FOR_MACHINES = 1.0
"""Seconds between looks for machines that have come or gone."""

BEGUN_AT_ONCE = 16
"""Machines whose loops are started at the same time: each asks NATS twice, and a worker that starts
has all of them to begin with."""


class MachineSubscriptions:
    """The machines for whose runs this worker listens."""

    def __init__(self, broker: Broker, queue: WorkQueue, on_render: OnDelivery) -> None:
        self._broker = broker
        self._queue = queue
        self._on_render = on_render
        self._stops: dict[UUID, list[Stop]] = {}

    @property
    def count(self) -> int:
        """How many machines that are."""
        return len(self._stops)

    async def keep_up(self, stop: asyncio.Event) -> None:
        """Follow the machines that come and go, until *stop*."""
        while not stop.is_set():
            try:
                await self.look()
            except LogUnavailable as error:
                log.warning("worker.machines_unknown", extra={"error": str(error)})
            await _pause(LOOK_FOR_MACHINES, stop)

    async def look(self) -> None:
        """Begin with machines that are new, and stop with those that are gone.

        Raises:
            LogUnavailable: JetStream does not answer; look again.

        """
        present = await self._queue.machines()
        slots = asyncio.Semaphore(BEGUN_AT_ONCE)

        async def begin(machine_id: UUID) -> None:
            async with slots:
                await self._begin(machine_id)

        new = present - self._stops.keys()
        # The others go on when one fails.
        results = await asyncio.gather(*map(begin, new), return_exceptions=True)
        for machine_id in self._stops.keys() - present:
            await _stop_all(self._stops.pop(machine_id))
            log.info("worker.left_machine", extra={"machine_id": str(machine_id)})
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _begin(self, machine_id: UUID) -> None:
        """Listen for the runs of a machine, with all loops or with none."""
        subject, consumer = subjects.render_work(machine_id), render_consumer(machine_id)
        stops: list[Stop] = []
        try:
            while len(stops) < RUNS_PER_MACHINE:
                stops.append(await self._broker.fetch_now(subject, consumer, self._on_render))
        except LogUnavailable:
            await _stop_all(stops)
            raise
        self._stops[machine_id] = stops
        log.info("worker.serves_machine", extra={"machine_id": str(machine_id)})


async def _stop_all(stops: Iterable[Stop]) -> None:
    for stop in stops:
        await stop()


async def schedule_observations(
    queue: WorkQueue, every: float, *, now: Callable[[], datetime], stop: asyncio.Event
) -> None:
    """Have every machine looked at once *every* so many seconds, by one of the workers."""
    while not stop.is_set():
        # Named after the interval: all workers ask, and one is heard.
        interval = int(now().timestamp() // every)
        try:
            for machine_id in await queue.machines():
                message_id = f"observe:{machine_id}:{every:g}:{interval}"
                await queue.put(subjects.OBSERVE_WORK, machine_id, message_id=message_id)
        except LogUnavailable as error:
            log.warning("worker.machines_unknown", extra={"error": str(error)})
        await _pause((interval + 1) * every - now().timestamp(), stop)


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):
            await stop.wait()
