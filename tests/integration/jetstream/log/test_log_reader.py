"""Reading the log: in order, from anywhere, and never on as if nothing had happened."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace
from nats.aio.msg import Msg

from events.envelope import Entry, Recorded, Unreadable
from events.subjects import LOG, subject
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.reader import LogInterrupted, head, read_log
from infra.jetstream.streams import declared as streams
from tests.builders.facts import created, draft
from tests.servers.own_nats import own_nats
from tests.servers.shared import IN_CONTAINERS

own_server = pytest.mark.skipif(IN_CONTAINERS, reason="needs a server of its own, from the wheel")


async def fill(client: Client, count: int) -> None:
    store = JetStreamEventStore(client)
    for _ in range(count):
        run_id = uuid4()
        event = draft(created(run_id=run_id), version=1, run_id=run_id)
        await store.append([event], expected=0)


async def read(client: Client, *, after: int, limit: int = 100) -> list[Entry]:
    entries: list[Entry] = []
    goal = await head(client)
    async with asyncio.timeout(10), aclosing(read_log(client, after=after, limit=limit)) as batches:
        async for batch in batches:
            assert 0 < len(batch) <= limit
            entries += batch
            if entries[-1].position >= goal:
                return entries
    return entries


async def test_the_log_is_read_in_order_whole_and_from_any_position(log_client: Client) -> None:
    assert await head(log_client) == 0
    await fill(log_client, 20)
    assert await head(log_client) == 20

    whole = await read(log_client, after=0, limit=3)

    assert [e.position for e in whole] == list(range(1, 21))
    assert await read(log_client, after=15) == whole[15:]
    first = whole[0]
    assert isinstance(first, Recorded)
    [same] = await JetStreamEventStore(log_client).read(first.aggregate)
    # nats-py rounds the time through a float.
    assert abs(first.recorded_at - same.recorded_at) < timedelta(milliseconds=1)
    assert replace(first, recorded_at=same.recorded_at) == same


async def test_what_cannot_be_read_is_shown_as_such_and_does_not_end_the_reading(
    log_client: Client,
) -> None:
    await log_client.request(subject("run-x"), b"{}", headers={"ce-type": "run.created.v9"})
    await fill(log_client, 1)

    unreadable, readable = await read(log_client, after=0)

    assert isinstance(unreadable, Unreadable)
    assert (unreadable.aggregate, unreadable.position, unreadable.type) == (
        "run-x",
        1,
        "run.created.v9",
    )
    assert isinstance(readable, Recorded)


async def test_a_reader_whose_consumer_is_gone_says_so_within_seconds(log_client: Client) -> None:
    await fill(log_client, 1)
    async with aclosing(read_log(log_client, after=0, limit=10)) as batches:
        assert len(await anext(batches)) == 1
        [name] = (await api(log_client, f"CONSUMER.NAMES.{LOG}", {}, within=5))["consumers"]
        await api(log_client, f"CONSUMER.DELETE.{LOG}.{name}", {}, within=5)
        with pytest.raises(LogInterrupted):
            async with asyncio.timeout(8):
                await anext(batches)

    await fill(log_client, 1)
    assert [e.position for e in await read(log_client, after=1)] == [2]


async def test_a_reader_of_some_aggregates_reads_all_of_them_and_nothing_else(
    log_client: Client,
) -> None:
    await fill(log_client, 10)
    whole = await read(log_client, after=0)
    wanted = [entry.aggregate for entry in whole[1::3]]

    found: list[Entry] = []
    async with (
        asyncio.timeout(10),
        aclosing(read_log(log_client, after=0, limit=2, aggregates=wanted)) as batches,
    ):
        async for batch in batches:
            found += batch
            if len(found) == len(wanted):
                break
    later = await anext(read_log(log_client, after=whole[1].position, limit=9, aggregates=wanted))

    assert found == whole[1::3]
    assert later[0] == whole[4]


async def test_a_reader_that_is_closed_leaves_no_consumer_behind(log_client: Client) -> None:
    await fill(log_client, 1)
    async with aclosing(read_log(log_client, after=0, limit=10)) as batches:
        await anext(batches)
        during = await api(log_client, f"CONSUMER.NAMES.{LOG}", {}, within=5)
    after = await api(log_client, f"CONSUMER.NAMES.{LOG}", {}, within=5)

    assert (during["total"], after["total"]) == (1, 0)


async def test_a_reader_that_is_ended_at_any_moment_ends_and_leaves_no_consumer_behind(
    log_client: Client,
) -> None:
    await fill(log_client, 2)

    async def reading() -> None:
        async with aclosing(read_log(log_client, after=0, limit=1)) as batches:
            async for _ in batches:
                pass

    tasks = []
    for steps in range(60):
        tasks += [asyncio.create_task(reading()) for _ in range(3)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in tasks[-3:]:
            task.cancel()
    _, stuck = await asyncio.wait(tasks, timeout=10)
    after = await api(log_client, f"CONSUMER.NAMES.{LOG}", {}, within=5)

    assert (len(stuck), after["total"]) == (0, 0)


async def test_a_request_that_is_cancelled_just_when_its_answer_comes_is_cancelled(
    log_client: Client,
) -> None:
    await head(log_client)  # so that requests have their inbox
    task = asyncio.create_task(head(log_client))
    await asyncio.sleep(0)
    [answer] = log_client._resp_map.values()
    answer.set_result(Msg(log_client, data=b'{"state": {"last_seq": 0}}'))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_reader_that_stands_still_is_sent_a_window_and_no_more(log_client: Client) -> None:
    await fill(log_client, 60)
    async with aclosing(read_log(log_client, after=0, limit=10)) as batches:
        await anext(batches)
        [name] = (await api(log_client, f"CONSUMER.NAMES.{LOG}", {}, within=5))["consumers"]
        info = await api(log_client, f"CONSUMER.INFO.{LOG}.{name}", {}, within=5)

    # What was taken, and what is asked for in its place.
    assert info["delivered"]["consumer_seq"] <= 30
    assert info["num_pending"] >= 30


@own_server
async def test_a_restart_of_the_server_interrupts_the_reading_which_then_goes_on(
    tmp_path: Path,
) -> None:
    with own_nats(tmp_path / "nats") as server:
        async with connected(server.url, name="test") as client:
            await streams.migrate(client)
            await fill(client, 3)
            async with aclosing(read_log(client, after=0, limit=10)) as batches:
                first: list[Entry] = []
                while len(first) < 3:
                    first += await anext(batches)
                server.stop()
                server.start()
                with pytest.raises(LogInterrupted):
                    async with asyncio.timeout(15):
                        await anext(batches)

            await fill(client, 2)
            rest = await read(client, after=first[-1].position)

    assert [e.position for e in (*first, *rest)] == [1, 2, 3, 4, 5]


@own_server
async def test_the_log_is_read_under_the_second_format_of_acknowledgements(
    tmp_path: Path,
) -> None:
    flags = "feature_flags { js_ack_fc_v2: true }"
    with own_nats(tmp_path / "nats", more=flags) as server:
        async with connected(server.url, name="test") as client:
            await streams.migrate(client)
            await fill(client, 20)

            whole = await read(client, after=0, limit=3)
            rest = await read(client, after=15)

    assert [e.position for e in whole] == list(range(1, 21))
    assert rest == whole[15:]
    assert all(isinstance(entry, Recorded) for entry in whole)
