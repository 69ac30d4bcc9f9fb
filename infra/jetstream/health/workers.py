"""Health of the workers: which ask for work, how much waits, and what was given up."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from events import subjects
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import NO_CONSUMER, NO_MESSAGE, NO_STREAM
from infra.jetstream.errors import ApiError
from infra.jetstream.listing import list_consumers
from infra.jetstream.work.reactor_durable import REACTOR

WITHIN = 3.0


class Queue(Struct, frozen=True, kw_only=True):
    """A consumer of work."""

    name: str
    listening: bool
    """Whether a worker asks just now. One with its hands full does not."""

    waiting: int = 0
    """Pieces of work that no worker has taken yet."""

    in_hand: int = 0

    @property
    def neglected(self) -> bool:
        """Whether work waits that no worker asks for, although none is busy with other work."""
        return self.waiting > 0 and not self.listening and not self.in_hand


class Workers(Struct, frozen=True, kw_only=True):
    """All consumers, as they were at one moment."""

    queues: tuple[Queue, ...]

    @property
    def alive(self) -> bool:
        """Whether any worker listens at all."""
        return any(queue.listening for queue in self.queues)

    @property
    def reacting(self) -> bool:
        """Whether any worker listens to the log."""
        reactor = self.queue(REACTOR)
        return reactor is not None and reactor.listening

    def queue(self, name: str) -> Queue | None:
        """Return one consumer, None if it does not exist."""
        return next((queue for queue in self.queues if queue.name == name), None)


async def look_at_workers(client: Client) -> Workers:
    """Ask for every consumer; again if a worker is between two questions or connects just now.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    workers = await _workers(client)
    for _ in range(3):
        if workers.reacting and not any(queue.neglected for queue in workers.queues):
            break
        await asyncio.sleep(0.3)
        workers = await _workers(client)
    return workers


async def worker_listens(client: Client) -> bool:
    """Return whether a worker listens to the log: the cheapest question there is.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    reactor = await _reactor(client)
    return bool(reactor) and reactor[0].listening


async def _workers(client: Client) -> Workers:
    reactor = await _reactor(client)
    consumers = list_consumers(client, subjects.WORK, within=WITHIN)
    return Workers(queues=(*reactor, *[read_consumer(info) async for info in consumers]))


async def _reactor(client: Client) -> tuple[Queue, ...]:
    try:
        info = await api(client, f"CONSUMER.INFO.{subjects.LOG}.{REACTOR}", {}, within=WITHIN)
    except ApiError as error:
        if error.code in {NO_CONSUMER, NO_STREAM}:
            return ()
        raise
    return (read_consumer(info),)


def read_consumer(info: Mapping[str, Any]) -> Queue:
    """Read what CONSUMER.INFO answers."""
    return Queue(
        name=info["name"],
        listening=bool(info.get("push_bound") or info["num_waiting"]),
        waiting=info["num_pending"],
        in_hand=info["num_ack_pending"],
    )


async def dead_letters(client: Client, *, during: timedelta) -> int:
    """Count the work that was given up lately.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    since = (datetime.now(UTC) - during).isoformat().replace("+00:00", "Z")
    wanted = {"start_time": since, "next_by_subj": ">"}
    try:
        first = await api(client, f"STREAM.MSG.GET.{subjects.DEAD_LETTERS}", wanted, within=WITHIN)
    except ApiError as error:
        if error.code in {NO_MESSAGE, NO_STREAM}:
            return 0
        raise
    info = await api(client, f"STREAM.INFO.{subjects.DEAD_LETTERS}", {}, within=WITHIN)
    return int(info["state"]["last_seq"]) - int(first["message"]["seq"]) + 1
