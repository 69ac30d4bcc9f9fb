"""Workers react to facts: to each of them, and to none again because others were slow."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import cast
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from consumers.worker import react_to_events
from events import subjects
from events.aggregates import RUN
from events.run.commands import CreateRun
from events.work import Piece
from infra.event_store import Session
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.work.broker import Broker
from infra.jetstream.work.queue import WorkQueue
from infra.jetstream.work.reactor_durable import ACK_WAIT, IN_FLIGHT, REACTOR, ReactorDurable
from tests.builders.facts import created, meta
from tests.e2e.system import eventually

SECONDS = 0.04
"""What a piece of work takes: one after another, those in flight take longer than ACK_WAIT."""


class SlowQueue:
    """Takes a moment for each piece, as a busy server does."""

    def __init__(self) -> None:
        self.put: Counter[UUID] = Counter()

    async def put_piece(self, piece: Piece, *, message_id: str) -> bool:
        """Count a piece of work."""
        await asyncio.sleep(SECONDS)
        self.put[piece.identifier] += 1
        return bool(message_id)


@pytest.fixture
async def queue(log_client: Client, server_env: Mapping[str, str]) -> AsyncIterator[SlowQueue]:
    """Yield the slow queue of a worker, which has facts to react to as soon as it starts."""
    queue, store = SlowQueue(), JetStreamEventStore(log_client)
    await asyncio.gather(*(make_run(store) for _ in range(IN_FLIGHT)))
    await ReactorDurable(log_client).keep()
    broker = Broker(server_env["NATS_URL"], name="test", graceful_timeout=1.0)
    react_to_events(broker, store, cast("WorkQueue", queue))
    await broker.start()
    yield queue
    await broker.stop()


async def make_run(store: JetStreamEventStore) -> None:
    run_id = uuid4()
    run = CreateRun(created=replace(created(), run_id=run_id))
    await Session(store, RUN, run_id).execute(run, meta(command_id=uuid4()))


async def test_facts_behind_slow_ones_are_not_delivered_again(
    queue: SlowQueue, log_client: Client
) -> None:
    assert IN_FLIGHT * SECONDS > 2 * ACK_WAIT

    async def all_put() -> bool:
        return len(queue.put) == IN_FLIGHT

    await eventually(all_put, within=60)

    info = await log_client.jetstream().consumer_info(subjects.LOG, REACTOR)
    assert info.delivered is not None
    assert info.delivered.consumer_seq == IN_FLIGHT
