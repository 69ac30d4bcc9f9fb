"""A worker listens for the runs of a machine with all its loops, or tries again."""

import asyncio
from typing import cast
from uuid import UUID, uuid4

import pytest

from consumers.machines.subscriptions import BEGUN_AT_ONCE, MachineSubscriptions
from infra.event_store import LogUnavailable
from infra.jetstream.work.broker import Broker, Stop
from infra.jetstream.work.consumers import RUNS_PER_MACHINE
from infra.jetstream.work.delivery import Delivery
from infra.jetstream.work.queue import WorkQueue
from tests.builders.facts import MACHINE_ID


class Loops:
    """Stands for the broker and the queue: counts what listens."""

    def __init__(self) -> None:
        self.running = 0
        self.starts = 0
        self.fails_at = 0
        self.slow = False
        self.present = {MACHINE_ID}
        self.served = MachineSubscriptions(
            cast("Broker", self), cast("WorkQueue", self), self._on_render
        )

    async def machines(self) -> set[UUID]:
        """List them as the queue does."""
        return self.present

    async def fetch_now(self, *_arguments: object) -> Stop:
        """Start a loop, as the broker does; it may fail."""
        self.starts += 1
        if self.starts == self.fails_at:
            raise LogUnavailable
        if self.slow:
            await asyncio.sleep(0.2)
        self.running += 1

        async def stop() -> None:
            self.running -= 1

        return stop

    async def _on_render(self, _message: Delivery) -> None: ...


async def test_a_machine_is_listened_to_by_all_loops_or_none() -> None:
    loops = Loops()
    loops.fails_at = RUNS_PER_MACHINE
    with pytest.raises(LogUnavailable):
        await loops.served.look()
    assert loops.running == 0
    await loops.served.look()
    assert loops.running == RUNS_PER_MACHINE
    await loops.served.look()
    assert loops.running == RUNS_PER_MACHINE
    loops.present = set()
    await loops.served.look()
    assert loops.running == 0


async def test_a_machine_whose_loops_cannot_start_keeps_no_other_waiting() -> None:
    loops = Loops()
    loops.fails_at = 1
    loops.present = {uuid4() for _ in range(3)}

    with pytest.raises(LogUnavailable):
        await loops.served.look()

    assert loops.served.count == 2


async def test_a_worker_that_starts_begins_with_many_machines_at_once() -> None:
    loops = Loops()
    loops.slow = True
    loops.present = {uuid4() for _ in range(BEGUN_AT_ONCE)}

    await asyncio.wait({asyncio.create_task(loops.served.look())}, timeout=2)

    assert loops.served.count == BEGUN_AT_ONCE
