"""Over a connection that is closed for good, every door to JetStream raises an error of our own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest

from events import subjects
from events.run.progress import Progress
from infra.event_store import LogUnavailable
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import Unanswered
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.health.cluster import ClusterHealth
from infra.jetstream.health.replicas import stream_healths
from infra.jetstream.live import LiveProgress, heard, listen_to_all_progress
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.log.headings import last_headings
from infra.jetstream.log.reader import LogInterrupted, head, read_log
from infra.jetstream.private_data import PrivateData
from infra.jetstream.run_progress import ProgressSender
from infra.jetstream.streams.cannot_migrate import CannotMigrate
from infra.jetstream.streams.declared import plan
from infra.jetstream.tombstones import Tombstones
from infra.jetstream.work.broker import Broker
from infra.jetstream.work.consumers import BATCHES
from infra.jetstream.work.queue import WorkQueue
from infra.jetstream.work.reactor_durable import ReactorDurable
from tests.builders.facts import MACHINE_ID, RUN_ID, created, draft


def store(client: Client) -> JetStreamEventStore:
    return JetStreamEventStore(client, patience=0)


async def read_on(client: Client) -> None:
    await anext(read_log(client, after=0, limit=1))


async def look_through(client: Client) -> None:
    await anext(last_headings(client, until=1))


async def listen(client: Client) -> None:
    async with heard(client, "run-x", "run.created.v1"):
        pass


def event(run_id: Any) -> list[Any]:
    return [draft(created(run_id=run_id), version=1, run_id=run_id)]


DOORS: list[tuple[type[Exception], Callable[[Client], Awaitable[object]]]] = [
    (LogUnavailable, lambda c: store(c).last(f"run-{RUN_ID}")),
    (LogUnavailable, lambda c: store(c).read(f"run-{RUN_ID}")),
    (LogUnavailable, lambda c: store(c).append(event(uuid4()), expected=0)),
    (LogUnavailable, lambda c: LogReader(c).head()),
    (LogUnavailable, lambda c: LogReader(c).last_events([f"run-{RUN_ID}"], until=1)),
    (LogUnavailable, lambda c: PrivateData(c).erase(RUN_ID)),
    (LogUnavailable, lambda c: Tombstones(c).give_up("key")),
    (LogUnavailable, lambda c: WorkQueue(c).put("work.batch", RUN_ID, message_id="1")),
    (LogUnavailable, lambda c: WorkQueue(c).bury("work.batch", b"", message_id="1", error="?")),
    (LogUnavailable, lambda c: WorkQueue(c).machines()),
    (LogUnavailable, lambda c: WorkQueue(c).queued()),
    (LogUnavailable, lambda c: ReactorDurable(c).keep()),
    (LogUnavailable, lambda c: LiveProgress(c).listen(RUN_ID, lambda _: None)),
    (LogInterrupted, read_on),
    (LogInterrupted, look_through),
    (Unanswered, head),
    (Unanswered, listen),
    (Unanswered, lambda c: listen_to_all_progress(c, lambda *_: None)),
    (CannotMigrate, lambda c: plan(c, patience=0)),
]


@pytest.mark.parametrize(("error", "door"), DOORS)
async def test_a_closed_connection_is_an_error_of_our_own(
    error: type[Exception],
    door: Callable[[Client], Awaitable[object]],
    server_env: Mapping[str, str],
) -> None:
    async with connected(server_env["NATS_URL"], name="closed") as client:
        pass
    with pytest.raises(error):
        await door(client)


async def test_what_only_looks_says_that_nothing_answers(server_env: Mapping[str, str]) -> None:
    url = server_env["NATS_URL"]
    async with connected(url, name="closed") as client:
        pass
    health = ClusterHealth(client, url)
    assert not await health.answers()
    assert await health.workers() is None
    assert {stream.leader for stream in await stream_healths(client)} == {""}
    await ProgressSender(client, RUN_ID).send(Progress(percent=1, message=""))


async def test_a_loop_that_cannot_start_is_an_error_of_our_own(
    log_client: Client, server_env: Mapping[str, str]
) -> None:
    await WorkQueue(log_client).serve(BATCHES)
    broker = Broker(server_env["NATS_URL"], name="closed")
    await broker.start()
    await (await broker.connect()).close()
    with pytest.raises(LogUnavailable):
        await broker.fetch_now(subjects.render_work(MACHINE_ID), "render-x", lambda _: None)  # type: ignore[arg-type, return-value]
    await broker.stop()
