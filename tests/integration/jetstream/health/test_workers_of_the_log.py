"""Who asks for work, what waits for nobody, and what was given up: seen on the real server."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import nats.errors
import pytest

from events.work import upload_piece
from infra.embedded.disk import look_at_disk
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.health.workers import (
    Queue,
    Workers,
    dead_letters,
    look_at_workers,
    worker_listens,
)
from infra.jetstream.work.consumers import UPLOADS
from infra.jetstream.work.queue import WorkQueue
from infra.jetstream.work.reactor_durable import ReactorDurable
from tests.e2e.system import eventually


@pytest.fixture
async def queue(log_client: Client) -> WorkQueue:
    """Return the queue of work, with the consumers that a worker makes."""
    queue = WorkQueue(log_client)
    await queue.serve(UPLOADS)
    await ReactorDurable(log_client).keep()
    return queue


def uploads(workers: Workers) -> Queue:
    """Return how the uploads are."""
    found = workers.queue(UPLOADS.consumer)
    assert found is not None
    return found


@pytest.mark.usefixtures("queue")
async def test_a_worker_is_seen_by_what_it_asks_for(log_client: Client) -> None:
    assert not (await look_at_workers(log_client)).alive
    assert not await worker_listens(log_client)
    info = await api(log_client, "CONSUMER.INFO.RUNS.reactor", {}, within=5)
    config = info["config"]
    await log_client.subscribe(config["deliver_subject"], config["deliver_group"])

    async def listens() -> bool:
        return bool(await worker_listens(log_client))

    await eventually(listens)
    assert (await look_at_workers(log_client)).alive


@pytest.mark.usefixtures("queue")
async def test_a_worker_that_connects_just_now_is_waited_for(log_client: Client) -> None:
    puller = await log_client.jetstream().pull_subscribe_bind(
        stream="WORK", consumer=UPLOADS.consumer
    )
    asking = asyncio.create_task(puller.fetch(1, timeout=60))

    async def asks() -> bool:
        return uploads(await look_at_workers(log_client)).listening

    await eventually(asks)
    looking = asyncio.create_task(look_at_workers(log_client))
    await asyncio.sleep(0.15)
    info = await api(log_client, "CONSUMER.INFO.RUNS.reactor", {}, within=5)
    config = info["config"]
    await log_client.subscribe(config["deliver_subject"], config["deliver_group"])
    found = await looking
    assert (found.alive, found.reacting) == (True, True)
    asking.cancel()
    with suppress(asyncio.CancelledError, nats.errors.Error):
        await asking


async def test_work_that_waits_for_nobody_is_neglected_until_somebody_asks(
    log_client: Client, queue: WorkQueue
) -> None:
    await queue.put_piece(upload_piece(uuid4(), 1))
    found = uploads(await look_at_workers(log_client))
    assert (found.neglected, found.waiting) == (True, 1)
    puller = await log_client.jetstream().pull_subscribe_bind(
        stream="WORK", consumer=UPLOADS.consumer
    )
    [message] = await puller.fetch(1, timeout=5)
    await queue.put_piece(upload_piece(uuid4(), 1))
    found = uploads(await look_at_workers(log_client))
    # Who has its hands full does not ask, and is no reason for worry.
    assert (found.neglected, found.waiting, found.in_hand) == (False, 1, 1)
    await message.ack()
    [message] = await puller.fetch(1, timeout=5)
    await message.ack()
    asking = asyncio.create_task(puller.fetch(1, timeout=60))

    async def asks() -> bool:
        return uploads(await look_at_workers(log_client)).listening

    await eventually(asks)
    asking.cancel()
    with suppress(asyncio.CancelledError, nats.errors.Error):
        await asking


async def test_dead_letters_are_counted_for_some_time(log_client: Client, queue: WorkQueue) -> None:
    assert await dead_letters(log_client, during=timedelta(days=1)) == 0
    for number in range(3):
        await queue.bury("work.upload", b"{}", message_id=str(number), error="broken")
    assert await dead_letters(log_client, during=timedelta(days=1)) == 3
    await asyncio.sleep(2.2)
    await queue.bury("work.upload", b"{}", message_id="later", error="broken")
    assert await dead_letters(log_client, during=timedelta(seconds=2)) == 1
    assert await dead_letters(log_client, during=timedelta(0)) == 0


def test_the_disk_is_looked_at_where_comfyd_up_keeps_its_servers(tmp_path: Path) -> None:
    assert look_at_disk(str(tmp_path)) is None
    (tmp_path / "nats").mkdir()
    disk = look_at_disk(str(tmp_path))
    assert disk is not None
    assert 0 <= disk.free < disk.total
