"""The broker: it fetches work again after anything, and says so when it cannot."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from faststream.nats import JStream, NatsMessage, PullSub

from events import subjects
from infra.jetstream.connection import Client
from infra.jetstream.work.broker import Broker
from infra.jetstream.work.consumers import BATCHES
from infra.jetstream.work.queue import WorkQueue
from infra.telemetry import connection_check as checks
from infra.telemetry.connection_check import connection_check
from infra.telemetry.watchdog import GaveUp, check_of
from tests.builders.facts import MACHINE_ID as SOMETHING
from tests.e2e.system import eventually

LOOPS = 4


class Worker:
    """A broker that fetches one kind of work in several loops."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.broker = Broker(url, name="test", graceful_timeout=1.0)
        work = JStream(subjects.WORK, declare=False)
        for _ in range(LOOPS):
            self.broker.subscriber(
                BATCHES.subject, stream=work, durable=BATCHES.consumer, pull_sub=PullSub(timeout=1)
            )(self._on_work)

    async def _on_work(self, message: NatsMessage) -> None:
        await message.ack()
        self.heard.put_nowait(message.body)


@pytest.fixture
async def worker(log_client: Client, server_env: Mapping[str, str]) -> AsyncIterator[Worker]:
    """Yield a worker whose loops ask for work."""
    await WorkQueue(log_client).serve(BATCHES)
    worker = Worker(server_env["NATS_URL"])
    await worker.broker.start()
    yield worker
    await worker.broker.stop()


async def test_a_consumer_that_is_gone_is_asked_for_slowly_and_served_once_it_is_back(
    worker: Worker, log_client: Client
) -> None:
    await log_client.jetstream().delete_consumer(subjects.WORK, BATCHES.consumer)
    connection = await worker.broker.connect()
    await asyncio.sleep(1.2)  # Until what was asked before has expired.
    before = connection.stats["out_msgs"]
    await asyncio.sleep(1)
    # A hot loop asks thousands of times.
    assert LOOPS <= connection.stats["out_msgs"] - before <= LOOPS * 10
    queue = WorkQueue(log_client)
    await queue.serve(BATCHES)
    await queue.put(BATCHES.subject, SOMETHING, message_id="1")
    async with asyncio.timeout(20):
        await worker.heard.get()
    assert worker.broker.stalled() == ""


async def test_a_connection_that_was_closed_for_good_stops_nothing_else_and_is_given_up(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PATIENCE", 0.1)
    connection = await worker.broker.connect()
    check = connection_check(connection, worker.url)
    assert await check() == "ok"
    await connection.close()
    assert await check() == "away"
    async with asyncio.timeout(20):
        await asyncio.sleep(0.2)
        with pytest.raises(GaveUp, match="this one no more"):
            await check()


async def test_a_connection_that_only_hangs_is_renewed(
    worker: Worker, log_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "ANSWER_WITHIN", 1.0)
    monkeypatch.setattr(checks, "RENEW_AFTER", 0.0)
    connection = await worker.broker.connect()
    check = connection_check(connection, worker.url)
    connection._reading_task.cancel()  # type: ignore[union-attr]
    assert await check() == "away"

    async def well() -> bool:
        return await check() == "ok"

    await eventually(well)
    await WorkQueue(log_client).put(BATCHES.subject, SOMETHING, message_id="1")
    async with asyncio.timeout(20):
        await worker.heard.get()


async def test_a_loop_that_has_ended_is_given_up(worker: Worker) -> None:
    assert worker.broker.stalled() == ""
    ended = worker.broker.subscribers[0].tasks[0]  # type: ignore[attr-defined]
    ended.cancel()
    await asyncio.wait([ended])
    with pytest.raises(GaveUp, match="has ended"):
        await check_of(worker.broker.stalled)()


async def test_a_question_that_hangs_is_given_up(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.jetstream.work.broker.UNANSWERED_AFTER", 0.0)
    with pytest.raises(GaveUp, match="a question for work has hung"):
        await check_of(worker.broker.stalled)()
