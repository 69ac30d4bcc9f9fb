"""The work queue: work is queued once, and every machine has a consumer as it should be."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from events import subjects
from events.work import erasure_piece, render_piece, stop_piece, thumbnail_piece, upload_piece
from infra.event_store import LogUnavailable
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.work.consumers import (
    ACK_WAIT,
    OBSERVATIONS,
    RUNS_PER_MACHINE,
    UPLOADS,
    render_consumer,
)
from infra.jetstream.work.queue import Queued, WorkQueue, identifier_in
from tests.builders.facts import MACHINE_ID, RUN_ID

SUBJECT = subjects.render_work(MACHINE_ID)


async def messages(client: Client, stream: str) -> int:
    info = await api(client, f"STREAM.INFO.{stream}", {}, within=5)
    return int(info["state"]["messages"])


async def consumer(client: Client, machine_id: UUID) -> dict[str, Any]:
    name = render_consumer(machine_id)
    info = await api(client, f"CONSUMER.INFO.{subjects.WORK}.{name}", {}, within=5)
    config: dict[str, Any] = info["config"]
    return config


async def next_message(client: Client, machine_id: UUID, *, batch: int) -> list[UUID]:
    """Ask for work as a worker does, and acknowledge none of it."""
    stream = client.jetstream()
    subscription = await stream.pull_subscribe_bind(
        render_consumer(machine_id), stream=subjects.WORK
    )
    found = await subscription.fetch(batch, timeout=1)
    await subscription.unsubscribe()
    return [identifier_in(message.data) for message in found]


async def test_work_that_is_put_twice_is_queued_once(log_client: Client) -> None:
    queue = WorkQueue(log_client)

    await queue.put(SUBJECT, RUN_ID, message_id="a")
    await queue.put(SUBJECT, RUN_ID, message_id="a")
    assert await messages(log_client, subjects.WORK) == 1

    await queue.put(SUBJECT, RUN_ID, message_id="b")
    assert await messages(log_client, subjects.WORK) == 2


async def test_a_machine_is_given_two_runs_at_once_and_only_its_own(log_client: Client) -> None:
    queue, other = WorkQueue(log_client), uuid4()
    for machine_id in (MACHINE_ID, other):
        await queue.serve_machine(machine_id)
    mine, others = [uuid4() for _ in range(4)], uuid4()
    for run_id in mine:
        await queue.put(SUBJECT, run_id, message_id=str(run_id))
    await queue.put(subjects.render_work(other), others, message_id=str(others))

    assert await next_message(log_client, MACHINE_ID, batch=4) == mine[:RUNS_PER_MACHINE]
    assert await next_message(log_client, other, batch=4) == [others]
    assert RUNS_PER_MACHINE == 2


async def test_work_that_came_before_its_consumer_waits_for_it(log_client: Client) -> None:
    queue = WorkQueue(log_client)
    await queue.put(SUBJECT, RUN_ID, message_id="a")
    await queue.serve_machine(MACHINE_ID)

    assert await next_message(log_client, MACHINE_ID, batch=1) == [RUN_ID]


async def test_the_machines_are_those_that_have_a_consumer(log_client: Client) -> None:
    queue, served = WorkQueue(log_client), {uuid4() for _ in range(5)}
    assert await queue.machines() == set()
    await queue.serve(UPLOADS)
    for machine_id in served:
        await queue.serve_machine(machine_id)
        await queue.serve_machine(machine_id)

    assert await queue.machines() == served


async def test_a_machine_is_let_go_when_no_run_waits_for_it(log_client: Client) -> None:
    queue = WorkQueue(log_client)
    await queue.serve_machine(MACHINE_ID)
    await queue.put(SUBJECT, RUN_ID, message_id="a")

    assert not await queue.let_go(MACHINE_ID)
    assert await queue.machines() == {MACHINE_ID}

    await log_client.jetstream().purge_stream(subjects.WORK)
    await queue.put_piece(render_piece(RUN_ID, MACHINE_ID, 1))
    assert not await queue.let_go(MACHINE_ID)

    await log_client.jetstream().purge_stream(subjects.WORK)
    for _ in range(2):
        assert await queue.let_go(MACHINE_ID)
        assert await queue.machines() == set()


async def test_looks_that_wait_for_machines_that_are_away_hold_up_no_others(
    log_client: Client,
) -> None:
    queue, away, new = WorkQueue(log_client), [uuid4() for _ in range(200)], uuid4()
    await queue.serve(OBSERVATIONS)
    looks = await log_client.jetstream().pull_subscribe_bind("observe", stream=subjects.WORK)
    for machine_id in away:
        await queue.put(subjects.OBSERVE_WORK, machine_id, message_id=str(machine_id))
    for message in await looks.fetch(len(away), timeout=5):
        await message.nak(delay=60)

    await queue.put(subjects.OBSERVE_WORK, new, message_id="new")

    assert [identifier_in(m.data) for m in await looks.fetch(1, timeout=5)] == [new]


async def test_what_there_is_to_do_says_whose_it_is(log_client: Client) -> None:
    queue, other = WorkQueue(log_client), uuid4()
    nothing = Queued(owners=frozenset(), machines=frozenset(), shared=frozenset())
    assert await queue.queued() == nothing
    await queue.put(SUBJECT, RUN_ID, message_id="a")
    await queue.put(subjects.OBSERVE_WORK, uuid4(), message_id="b")
    runs = [uuid4() for _ in range(4)]
    for piece in (
        render_piece(runs[0], other, 1),
        upload_piece(runs[1], 2),
        erasure_piece(runs[2]),
        stop_piece(runs[3]),
        thumbnail_piece(uuid4()),
    ):
        await queue.put_piece(piece)

    assert await queue.queued() == Queued(
        owners=frozenset(runs),
        machines=frozenset({MACHINE_ID, other}),
        shared=frozenset({SUBJECT, subjects.OBSERVE_WORK}),
    )


async def test_a_piece_is_there_once_however_many_put_it_until_it_is_done(
    log_client: Client,
) -> None:
    queue, piece = WorkQueue(log_client), render_piece(RUN_ID, MACHINE_ID, 1)
    await queue.serve_machine(MACHINE_ID)

    put = await asyncio.gather(*(queue.put_piece(piece) for _ in range(20)))
    assert sorted(put) == [False] * 19 + [True]
    assert await messages(log_client, subjects.WORK) == 1

    stream = log_client.jetstream()
    subscription = await stream.pull_subscribe_bind(
        render_consumer(MACHINE_ID), stream=subjects.WORK
    )
    [message] = await subscription.fetch(1, timeout=1)
    assert not await queue.put_piece(piece, message_id="fact")
    await message.ack_sync()
    assert await queue.put_piece(piece, message_id="fact")
    assert await queue.put_piece(render_piece(RUN_ID, MACHINE_ID, 2))


async def test_a_fact_that_comes_again_makes_no_work_that_is_done(log_client: Client) -> None:
    queue, piece = WorkQueue(log_client), upload_piece(RUN_ID, 1)
    assert await queue.put_piece(piece, message_id="fact")
    await log_client.jetstream().purge_stream(subjects.WORK)

    assert not await queue.put_piece(piece, message_id="fact")
    assert await queue.put_piece(piece)


async def test_consumers_serve_what_earlier_versions_put_and_are_brought_back_after_them(
    log_client: Client,
) -> None:
    """An old worker that starts again gives its filter to consumers that new work needs."""
    queue, run_ids = WorkQueue(log_client), [uuid4() for _ in range(2)]
    for name, subject in ((render_consumer(MACHINE_ID), SUBJECT), ("upload", UPLOADS.subject)):
        old = {
            "durable_name": name,
            "filter_subject": subject,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT * 1e9),
            "max_deliver": -1,
            "max_ack_pending": RUNS_PER_MACHINE,
        }
        request = {"stream_name": subjects.WORK, "config": old}
        operation = f"CONSUMER.CREATE.{subjects.WORK}.{name}.{subject}"
        await api(log_client, operation, request, within=5)
    await queue.put(SUBJECT, run_ids[0], message_id="from an old reactor")
    await queue.put_piece(render_piece(run_ids[1], MACHINE_ID, 1))

    assert await queue.keep_consumers({MACHINE_ID}) == set()

    assert await next_message(log_client, MACHINE_ID, batch=2) == run_ids
    new = uuid4()
    assert await queue.keep_consumers({MACHINE_ID, new}) == {new}
    assert await queue.machines() == {MACHINE_ID, new}


async def test_work_that_an_earlier_versions_filter_has_passed_by_is_delivered(
    log_client: Client,
) -> None:
    queue, run_ids = WorkQueue(log_client), [uuid4() for _ in range(2)]
    old = {"durable_name": "upload", "filter_subject": UPLOADS.subject, "ack_policy": "explicit"}
    request = {"stream_name": subjects.WORK, "config": old}
    await api(log_client, f"CONSUMER.CREATE.{subjects.WORK}.upload", request, within=5)
    pulls = await log_client.jetstream().pull_subscribe_bind("upload", stream=subjects.WORK)
    await queue.put_piece(upload_piece(run_ids[0], 1))
    await queue.put(UPLOADS.subject, run_ids[1], message_id="from an old reactor")
    [message] = await pulls.fetch(1, timeout=1)
    assert identifier_in(message.data) == run_ids[1]
    await message.ack_sync()

    await queue.keep_consumers([])

    [message] = await pulls.fetch(1, timeout=2)
    assert identifier_in(message.data) == run_ids[0]


async def test_a_consumer_with_an_old_configuration_is_brought_up_to_date(
    log_client: Client,
) -> None:
    name = render_consumer(MACHINE_ID)
    old = {
        "durable_name": name,
        "filter_subject": SUBJECT,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": int(60e9),
        "max_ack_pending": 7,
    }
    await api(
        log_client,
        f"CONSUMER.CREATE.{subjects.WORK}.{name}.{SUBJECT}",
        {"stream_name": subjects.WORK, "config": old},
        within=5,
    )

    await WorkQueue(log_client).serve_machine(MACHINE_ID)

    config = await consumer(log_client, MACHINE_ID)
    assert (config["max_ack_pending"], config["ack_wait"]) == (
        RUNS_PER_MACHINE,
        int(ACK_WAIT * 1e9),
    )


async def test_what_nobody_could_do_is_kept_once_with_its_error_on_one_line(
    log_client: Client,
) -> None:
    queue, body = WorkQueue(log_client), msgspec.json.encode(RUN_ID)
    error = "ValueError:\r\n  no\tsuch\n\nNats-Msg-Id: forged " + "x" * 2000

    for _ in range(2):
        await queue.bury(SUBJECT, body, message_id="WORK:render:1", error=error)

    assert await messages(log_client, subjects.DEAD_LETTERS) == 1
    stream = log_client.jetstream()
    kept = await stream.get_last_msg(subjects.DEAD_LETTERS, subjects.dead_letters(SUBJECT))
    assert kept.data == body
    assert kept.headers is not None
    assert kept.headers["Nats-Msg-Id"] == "WORK:render:1"
    assert kept.headers["x-error"] == " ".join(error.split())[:1000]
    assert kept.headers["x-error"].startswith("ValueError: no such Nats-Msg-Id: forged x")


async def test_without_a_queue_everything_says_so(nats_client: Client) -> None:
    queue = WorkQueue(nats_client, within=1)

    with pytest.raises(LogUnavailable):
        await queue.put(SUBJECT, RUN_ID, message_id="a")
    with pytest.raises(LogUnavailable):
        await queue.bury(SUBJECT, b"", message_id="a", error="")
    with pytest.raises(LogUnavailable):
        await queue.serve_machine(MACHINE_ID)
    with pytest.raises(LogUnavailable):
        await queue.machines()


def test_work_that_names_no_run_cannot_be_read() -> None:
    for body in (b"", b"x", b'"x"', b"{}"):
        with pytest.raises(msgspec.DecodeError):
            identifier_in(body)
