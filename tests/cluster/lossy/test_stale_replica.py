"""A replica that has really stopped following its leader, while it answers like all others.

One node of three misses every entry of the log and of the private data, and hears all the rest. A
Direct Get comes to any of the three at random, so about one in three is stale.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from uuid import uuid4

import pytest
from msgspec import Struct

from events.envelope import AnyRecorded
from events.subjects import INPUTS, LOG, subject
from infra.event_store import EventStore
from infra.jetstream.connection import Client, connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log import consumer, reader
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.log.reader import LogInterrupted, read_log
from infra.jetstream.private_data import PrivateData
from tests.builders.facts import claimed, created, draft
from tests.cluster.lagging import is_found, leave_one_behind, until_unknown
from tests.contract.test_event_store_contract import (  # noqa: F401 -- the suite runs here as well
    test_a_repeat_is_recognised_after_others_have_written,
    test_a_stale_expectation_appends_nothing,
    test_an_aggregate_that_nobody_wrote_is_empty,
    test_an_append_whose_answer_was_lost_is_recognised_when_it_is_repeated,
    test_commands_sent_at_once_are_decided_one_after_the_other,
    test_fifty_who_push_at_once_are_counted_without_a_gap,
    test_many_who_read_large_aggregates_at_once_are_all_answered,
    test_of_many_who_append_at_once_exactly_one_wins,
    test_several_events_are_appended_together_and_in_order,
    test_the_same_command_twice_is_recorded_once,
    test_what_was_appended_is_read_back_as_it_was,
)
from tests.network.route_proxies import RouteProxies
from tests.servers.nats_cluster import Cluster, migrated

pytestmark = pytest.mark.cluster

ASKED = 30
"""How often something is asked: that a stale replica is never met has odds of 1 to 200,000."""


class Lagging(Struct, frozen=True):
    """A cluster, and which of its nodes is behind."""

    cluster: Cluster
    proxies: RouteProxies
    node: int


@pytest.fixture(scope="module")
async def lagging(cluster: Cluster, proxies: RouteProxies) -> Lagging:
    async with connected(cluster.url_of(0), name="test") as client:
        await migrated(client)
        node = await leave_one_behind(client, proxies)
        await until_it_is_stale(client)
    return Lagging(cluster, proxies, node)


async def until_it_is_stale(client: Client) -> None:
    """Write into both streams, and wait until a replica does not know of it."""
    for stream, name in ((LOG, subject("run-x")), (INPUTS, "in.0.x")):
        await client.request(name, b"{}", timeout=5, headers={"ce-type": "run.created.v9"})
        await until_unknown(client, stream, name)


@pytest.fixture
async def client(lagging: Lagging) -> AsyncIterator[Client]:
    """Return a connection to the node that is behind."""
    async with connected(lagging.cluster.url_of(lagging.node), name="test") as connection:
        yield connection


@pytest.fixture
def store(client: Client) -> EventStore:
    """Return the store that the contract suite is run against."""
    return JetStreamEventStore(client)


async def run_of(client: Client, versions: int) -> list[AnyRecorded]:
    """Record a run of so many events in one append."""
    run_id = uuid4()
    later = [
        draft(claimed(run_id=run_id, fence=version), version=version, run_id=run_id)
        for version in range(2, versions + 1)
    ]
    first = draft(created(run_id=run_id), version=1, run_id=run_id)
    return await JetStreamEventStore(client).append([first, *later], expected=0)


async def test_the_replica_is_behind_and_answers(client: Client) -> None:
    [recorded] = await run_of(client, 1)
    name = subject(recorded.aggregate)

    found = [await is_found(client, LOG, name) for _ in range(ASKED)]

    assert set(found) == {True, False}


async def test_inputs_and_texts_are_found_whatever_replica_is_asked(client: Client) -> None:
    private, run_id = PrivateData(client), uuid4()
    await private.put_inputs(run_id, "hash", {"prompt": "a lighthouse"})
    await private.put_texts(run_id, 1, {0: "a cat"})

    for _ in range(ASKED):
        assert await private.get_inputs(run_id, "hash") == {"prompt": "a lighthouse"}
        assert await private.get_texts(run_id, 1) == {0: "a cat"}
    assert await private.get_inputs(run_id, "another") is None
    await private.erase(run_id)
    assert await private.get_inputs(run_id, "hash") is None


async def test_runs_are_read_whole_whatever_replica_is_asked(client: Client) -> None:
    run = await run_of(client, 12)
    store = JetStreamEventStore(client)

    for _ in range(ASKED):
        assert [e.id for e in await store.read(run[0].aggregate)] == [e.id for e in run]


async def test_where_many_stand_is_known_whatever_replica_is_asked(client: Client) -> None:
    runs = [await run_of(client, 2) for _ in range(5)]
    groups, names = LogReader(client), [run[0].aggregate for run in runs]

    for _ in range(ASKED):
        found = await groups.last_events(names, until=await groups.head())
        assert [e.id for e in found] == [run[-1].id for run in runs]


@pytest.mark.parametrize("aggregates", ["all", "some"])
async def test_readers_come_to_the_end_wherever_their_consumers_were_made(
    client: Client,
    lagging: Lagging,
    aggregates: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "HEARTBEAT", 0.2)
    monkeypatch.setattr(consumer, "SETTLED", 0.3)
    monkeypatch.setattr(reader, "HEARTBEAT", 0.2)
    run = await run_of(client, 20)
    wanted = [run[0].aggregate] if aggregates == "some" else []

    async def read() -> list[int]:
        seen: list[int] = []
        while seen[-1:] != [run[-1].position]:
            after = seen[-1] if seen else run[0].position - 1
            reader = read_log(client, after=after, limit=7, aggregates=wanted)
            # As all who read: a consumer that was made just now may not be known everywhere yet.
            with suppress(LogInterrupted):
                async with aclosing(reader) as batches:
                    async for batch in batches:
                        seen += [entry.position for entry in batch]
                        if batch[-1].position == run[-1].position:
                            break
        return seen

    async with asyncio.timeout(30):
        seen = await asyncio.gather(*(read() for _ in range(ASKED)))

    assert seen == [[event.position for event in run]] * ASKED
    moved = {vars(r)["server"] for r in caplog.records if r.msg == "log_reader.replica_behind"}
    assert moved == {f"node{lagging.node}"}
