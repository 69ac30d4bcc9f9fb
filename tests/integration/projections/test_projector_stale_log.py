"""Projector and rebuild beside a replica that stands still, or a leader that was deposed."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, cast
from uuid import uuid4

import pytest
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry

from consumers.read_models import projector
from consumers.read_models.projector import LogIsShorter, Projector
from consumers.read_models.rebuild import rebuild
from events.subjects import WRITE_PROBE
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log import consumer, reader
from infra.postgres import Connection
from infra.telemetry.projector_metrics import ProjectorMetrics
from projections.queries import position
from tests.builders.facts import created, draft
from tests.network.stale_replica import StaleConsumers


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make consumers send heartbeats ten times as often."""
    monkeypatch.setattr(consumer, "HEARTBEAT", 0.2)
    monkeypatch.setattr(consumer, "SETTLED", 0.3)
    monkeypatch.setattr(reader, "HEARTBEAT", 0.2)
    monkeypatch.setattr(projector, "PAUSE", 0.01)


async def fill(client: Client, runs: int) -> None:
    store = JetStreamEventStore(client)
    for _ in range(runs):
        run_id = uuid4()
        event = draft(created(run_id=run_id), version=1, run_id=run_id)
        await store.append([event], expected=0)


async def until_at(connection: Connection, goal: int) -> None:
    async with asyncio.timeout(10):
        while await position(connection) < goal:  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0.02)


def run_projector(client: Client, postgres_url: str) -> Coroutine[None, None, None]:
    metrics = ProjectorMetrics(CollectorRegistry())
    return Projector(client, postgres_url, metrics).run()


async def test_a_projector_on_a_replica_that_stands_still_comes_to_the_end(
    log_client: Client, postgres_url: str, connection: Connection
) -> None:
    await fill(log_client, 5)
    client = StaleConsumers(log_client, position=2, consumers=1)

    projecting = asyncio.create_task(run_projector(cast("Client", client), postgres_url))
    await until_at(connection, 5)
    projecting.cancel()

    assert client.made == 2


async def test_a_rebuild_from_a_replica_that_stands_still_is_whole(
    log_client: Client, connection: Connection, postgres_url: str
) -> None:
    await fill(log_client, 5)
    projecting = asyncio.create_task(run_projector(log_client, postgres_url))
    await until_at(connection, 5)
    projecting.cancel()
    with suppress(asyncio.CancelledError):
        await projecting
    client = StaleConsumers(log_client, position=2, consumers=1)

    differences = await rebuild(cast("Client", client), connection, lambda _done, _goal: None)

    assert differences == []
    assert await position(connection) == 5
    assert client.made == 2


class Deposed:
    """A connection to a leader that does not know yet: it answers, and confirms nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.asked_to_write = asyncio.Event()

    def __getattr__(self, name: str) -> Any:  # Any: whatever a client has
        return getattr(self._client, name)

    async def request(self, subject: str, payload: bytes = b"", **more: Any) -> Msg:
        """Answer all but what is to be written."""
        if subject == WRITE_PROBE:
            self.asked_to_write.set()
            raise TimeoutError
        return await self._client.request(subject, payload, **more)


async def tables_are_ahead(connection: Connection, by: int) -> None:
    await connection.execute("UPDATE read.checkpoint SET position = position + %s", (by,))


async def test_tables_that_know_more_than_the_log_end_the_projector(
    log_client: Client, postgres_url: str, connection: Connection
) -> None:
    await tables_are_ahead(connection, 3)

    async with asyncio.timeout(10):
        with pytest.raises(LogIsShorter):
            await run_projector(log_client, postgres_url)


async def test_a_deposed_leader_is_not_believed_that_the_log_is_shorter(
    log_client: Client, postgres_url: str, connection: Connection
) -> None:
    await fill(log_client, 1)
    await tables_are_ahead(connection, 3)
    client = Deposed(log_client)

    projecting = asyncio.create_task(run_projector(cast("Client", client), postgres_url))
    async with asyncio.timeout(10):
        await client.asked_to_write.wait()
        client.asked_to_write.clear()
        await client.asked_to_write.wait()

    assert not projecting.done()
    projecting.cancel()
