"""A replica that has stopped following its leader: what it lacks is asked of the leader.

The same on real replicas, more slowly: tests/cluster/lossy/test_stale_replica.py.
"""

import asyncio
from contextlib import aclosing
from typing import cast
from uuid import uuid4

import pytest
from msgspec.structs import replace

from events.envelope import AnyRecorded, Entry
from infra.event_store import LogUnavailable, VersionConflict
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log import consumer, reader
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.log.reader import LogInterrupted, read_log
from tests.builders.facts import claimed, created, draft
from tests.network.stale_replica import StaleConsumers, StaleReplica, stale


async def run_of(client: Client, versions: int) -> list[AnyRecorded]:
    """Record a run of so many events, one append after the other."""
    store, run_id = JetStreamEventStore(client), uuid4()
    recorded: list[AnyRecorded] = []
    for version in range(1, versions + 1):
        event = created(run_id=run_id) if version == 1 else claimed(run_id=run_id, fence=version)
        expected = recorded[-1].position if recorded else 0
        recorded += await store.append(
            [draft(event, version=version, run_id=run_id)], expected=expected
        )
    return recorded


def positions(entries: list[Entry] | list[AnyRecorded]) -> list[int]:
    return [entry.position for entry in entries]


@pytest.mark.parametrize("has", [0, 1, 3, 5])
async def test_a_run_is_read_whole_whatever_part_of_it_the_replica_has(
    log_client: Client, has: int
) -> None:
    run = await run_of(log_client, 5)
    store = JetStreamEventStore(stale(log_client, position=has))

    assert positions(await store.read(run[0].aggregate)) == [1, 2, 3, 4, 5]
    assert positions(await store.read(run[0].aggregate, after=2)) == [3, 4, 5]


async def test_what_the_replica_has_is_not_asked_of_the_leader(log_client: Client) -> None:
    run = await run_of(log_client, 5)
    replica = StaleReplica(log_client, position=5)

    await JetStreamEventStore(cast("Client", replica)).read(run[0].aggregate)

    assert replica.asked == 1


async def test_an_event_that_a_broken_replica_lacks_is_not_passed_over(
    log_client: Client,
) -> None:
    run = await run_of(log_client, 5)
    store = JetStreamEventStore(cast("Client", StaleReplica(log_client, position=5, lacks={3})))

    assert positions(await store.read(run[0].aggregate)) == [1, 2, 3, 4, 5]


async def test_a_conflict_is_settled_by_what_the_leader_has(log_client: Client) -> None:
    run = await run_of(log_client, 4)
    store = JetStreamEventStore(stale(log_client, position=1))
    repeated = replace(run[2], position=0)

    [found] = await store.append([repeated], expected=run[1].position)
    with pytest.raises(VersionConflict):
        await store.append([replace(repeated, id=uuid4())], expected=run[1].position)

    assert (found.id, found.position) == (run[2].id, run[2].position)


async def test_where_many_stand_is_believed_only_of_a_replica_that_is_there_itself(
    log_client: Client,
) -> None:
    runs = [await run_of(log_client, 2) for _ in range(3)]
    names = [run[0].aggregate for run in runs]
    first_is_behind = LogReader(stale(log_client, position=3, every=2))
    all_are_behind = LogReader(stale(log_client, position=3))

    last = await first_is_behind.last_events(names, until=6)
    before = await all_are_behind.last_events(names, until=3)
    with pytest.raises(LogUnavailable):
        await all_are_behind.last_events(names, until=4)

    assert positions(last) == [2, 4, 6]
    assert positions(before) == [2, 3]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make consumers send heartbeats ten times as often."""
    monkeypatch.setattr(consumer, "HEARTBEAT", 0.2)
    monkeypatch.setattr(consumer, "SETTLED", 0.3)
    monkeypatch.setattr(reader, "HEARTBEAT", 0.2)


async def read_until(
    client: StaleConsumers, goal: int, *, aggregates: list[str]
) -> list[list[Entry]]:
    found: list[list[Entry]] = []
    reader = read_log(cast("Client", client), after=0, limit=100, aggregates=aggregates)
    async with asyncio.timeout(10), aclosing(reader) as batches:
        async for batch in batches:
            found.append(batch)
            if batch[-1].position >= goal:
                break
    return found


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("aggregates", ["all", "some"])
async def test_a_reader_on_a_replica_that_stands_still_goes_to_another(
    log_client: Client, aggregates: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await run_of(log_client, 3), await run_of(log_client, 3)
    wanted = [first[0].aggregate, second[0].aggregate] if aggregates == "some" else []
    client = StaleConsumers(log_client, position=4, consumers=3)

    found = await read_until(client, 6, aggregates=wanted)

    assert positions([entry for batch in found for entry in batch]) == [1, 2, 3, 4, 5, 6]
    # One that stood still, two that came to the same node again, and one that did not.
    assert client.made == 4
    [warning] = [r for r in caplog.records if r.msg == "log_reader.replica_behind"]
    assert vars(warning)["server"] == StaleConsumers.NODE


@pytest.mark.usefixtures("quick")
async def test_a_reader_whose_consumers_all_come_to_the_stale_replica_says_so(
    log_client: Client,
) -> None:
    await run_of(log_client, 2)
    client = StaleConsumers(log_client, position=1, consumers=100)

    with pytest.raises(LogInterrupted):
        await read_until(client, 2, aggregates=[])

    assert client.made == 1 + consumer.PLACEMENTS


@pytest.mark.usefixtures("quick")
async def test_a_reader_of_a_quiet_run_in_a_busy_log_stays_where_it_is(
    log_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = await run_of(log_client, 1)
    client = StaleConsumers(log_client, position=0, consumers=0)

    async def reading() -> None:
        await read_until(client, 1000, aggregates=[quiet[0].aggregate])

    task = asyncio.create_task(reading())
    for _ in range(40):
        await run_of(log_client, 1)
        await asyncio.sleep(0.05)
    task.cancel()

    assert client.made == 1
    assert not [r for r in caplog.records if r.msg == "log_reader.replica_behind"]


@pytest.mark.usefixtures("quick")
async def test_an_event_that_a_broken_replica_does_not_send_is_not_passed_over(
    log_client: Client,
) -> None:
    await run_of(log_client, 5)
    client = StaleConsumers(log_client, position=5, consumers=1, lacks={3})

    found = await read_until(client, 5, aggregates=[])

    assert positions([entry for batch in found for entry in batch]) == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("quick")
async def test_a_reader_that_cannot_ask_the_leader_says_so(log_client: Client) -> None:
    await run_of(log_client, 1)
    client = StaleConsumers(log_client, position=1, consumers=0)

    async with (
        asyncio.timeout(10),
        aclosing(read_log(cast("Client", client), after=0, limit=100)) as batches,
    ):
        await anext(batches)
        client.cut_off = True
        with pytest.raises(LogInterrupted):
            await anext(batches)
