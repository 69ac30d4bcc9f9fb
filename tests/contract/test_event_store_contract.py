"""What every event store must keep to: in memory, on one server, on a cluster of three.

And where every other Direct Get is answered by a replica that has nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from events.aggregates import RUN, WORKFLOW
from events.run.commands import ClaimRun, CreateRun
from infra.event_store import AggregateFull, EventStore, Session, VersionConflict, load
from infra.jetstream.connection import Client, connected
from infra.jetstream.event_store import BATCH, JetStreamEventStore
from infra.jetstream.streams import declared as streams
from tests.builders.facts import MACHINE_ID, NOW, claimed, created, draft, meta, pushed
from tests.fakes.event_store import MemoryEventStore
from tests.network.stale_replica import stale
from tests.servers.nats_cluster import Cluster, migrated, running_cluster
from tests.servers.shared import drop_streams


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(params=["memory", "one-server", "stale-replica", "cluster"])
async def store(
    request: pytest.FixtureRequest, server_env: Mapping[str, str]
) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield MemoryEventStore()
    elif request.param in {"one-server", "stale-replica"}:
        async with connected(server_env["NATS_URL"], name="test") as client:
            await drop_streams(client)
            await streams.migrate(client)
            is_stale = request.param == "stale-replica"
            yield JetStreamEventStore(stale(client, every=2) if is_stale else client)
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        async with connected(cluster.url, name="test") as client:
            await migrated(client)
            yield JetStreamEventStore(client)


async def test_what_was_appended_is_read_back_as_it_was(store: EventStore) -> None:
    run_id = uuid4()
    first = draft(created(run_id=run_id), version=1, run_id=run_id)

    appended = await store.append([first], expected=0)

    # The store's own clock counts for what is read, also where an append had to be looked for.
    read = [replace(e, recorded_at=NOW) for e in await store.read(first.aggregate)]
    assert read == [replace(e, recorded_at=NOW) for e in appended]
    assert read == [replace(first, position=appended[0].position)]


async def test_an_aggregate_that_nobody_wrote_is_empty(store: EventStore) -> None:
    assert await store.read(RUN.name(uuid4())) == []
    assert await store.last(RUN.name(uuid4())) is None


async def test_several_events_are_appended_together_and_in_order(store: EventStore) -> None:
    run_id = uuid4()
    name = RUN.name(run_id)
    events = [
        draft(created(run_id=run_id), version=1, run_id=run_id),
        draft(claimed(run_id=run_id), version=2, run_id=run_id),
        draft(claimed(run_id=run_id, fence=2), version=3, run_id=run_id),
    ]

    appended = await store.append(events, expected=0)

    read = await store.read(name)
    assert [e.id for e in read] == [e.id for e in events]
    assert [e.position for e in read] == [e.position for e in appended]
    assert await store.read(name, after=appended[1].position) == read[2:]
    last = await store.last(name)
    assert last == read[-1]


async def test_many_who_read_large_aggregates_at_once_are_all_answered(store: EventStore) -> None:
    """More than 64 MiB on their way to one connection would end it, and everybody's requests."""
    run_id = uuid4()
    name = RUN.name(run_id)
    last = 0
    for version in range(1, 11):
        large = draft(created(run_id=run_id, origin="x" * 900_000), version=version, run_id=run_id)
        last = (await store.append([large], expected=last))[-1].position

    found = await asyncio.gather(*(store.read(name) for _ in range(20)))

    assert [[event.version for event in events] for events in found] == [[*range(1, 11)]] * 20


async def test_a_stale_expectation_appends_nothing(store: EventStore) -> None:
    run_id = uuid4()
    first = draft(created(run_id=run_id), version=1, run_id=run_id)
    await store.append([first], expected=0)
    single = [draft(claimed(run_id=run_id), version=2, run_id=run_id)]
    batch = [draft(claimed(run_id=run_id), version=n, run_id=run_id) for n in (2, 3)]

    for events in (single, batch):
        with pytest.raises(VersionConflict):
            await store.append(events, expected=0)

    assert [e.id for e in await store.read(first.aggregate)] == [first.id]


@pytest.mark.parametrize("count", [1, 3])
async def test_an_append_whose_answer_was_lost_is_recognised_when_it_is_repeated(
    store: EventStore, count: int
) -> None:
    run_id = uuid4()
    events = [draft(created(run_id=run_id), version=1, run_id=run_id)]
    events += [draft(claimed(run_id=run_id), version=n, run_id=run_id) for n in range(2, count + 1)]
    first = await store.append(events, expected=0)

    again = await store.append(events, expected=0)

    assert [(e.id, e.position) for e in again] == [(e.id, e.position) for e in first]
    assert len(await store.read(events[0].aggregate)) == count


async def test_a_repeat_is_recognised_after_others_have_written(store: EventStore) -> None:
    run_id = uuid4()
    first = draft(created(run_id=run_id), version=1, run_id=run_id)
    appended = await store.append([first], expected=0)
    second = draft(claimed(run_id=run_id), version=2, run_id=run_id)
    await store.append([second], expected=appended[0].position)

    again = await store.append([first], expected=0)

    assert [e.position for e in again] == [appended[0].position]


@pytest.mark.parametrize("size", [1, 3])
async def test_of_many_who_append_at_once_exactly_one_wins(store: EventStore, size: int) -> None:
    async def race(run_id: UUID) -> str:
        events = [
            draft(created(run_id=run_id), version=n, run_id=run_id) for n in range(1, size + 1)
        ]
        try:
            await store.append(events, expected=0)
        except VersionConflict:
            return "lost"
        return "won"

    for _ in range(10):
        run_id = uuid4()
        outcomes = await asyncio.gather(*(race(run_id) for _ in range(8)))
        assert sorted(outcomes) == ["lost"] * 7 + ["won"]
        assert len(await store.read(RUN.name(run_id))) == size


async def test_commands_sent_at_once_are_decided_one_after_the_other(store: EventStore) -> None:
    run_id = uuid4()
    creator = Session(store, RUN, run_id)
    await creator.execute(CreateRun(created=created(run_id=run_id)), meta())

    async def claim() -> None:
        session = await load(store, RUN, run_id)
        await session.execute(ClaimRun(machine_id=MACHINE_ID, worker="w", now=NOW), meta())

    await asyncio.gather(*(claim() for _ in range(5)))

    run = await load(store, RUN, run_id)
    assert run.state is not None
    assert (run.state.attempt, run.state.fence, run.version) == (1, 5, 6)


async def test_fifty_who_push_at_once_are_counted_without_a_gap(store: EventStore) -> None:
    workflow_id = uuid4()

    async def push(number: int) -> None:
        session = await load(store, WORKFLOW, workflow_id)
        await session.execute(pushed(f"graph {number}", workflow_id=workflow_id), meta())

    await asyncio.gather(*(push(number) for number in range(50)))
    await asyncio.gather(*(push(number) for number in range(50)))

    workflow = (await load(store, WORKFLOW, workflow_id)).state
    assert workflow is not None
    assert [version.version for version in workflow.versions] == list(range(1, 51))
    assert len({version.graph_sha256 for version in workflow.versions}) == 50


async def test_the_same_command_twice_is_recorded_once(store: EventStore) -> None:
    run_id = uuid4()
    circumstances = meta()
    command = CreateRun(created=created(run_id=run_id))

    sessions = [Session(store, RUN, run_id) for _ in range(2)]
    await asyncio.gather(*(s.execute(command, circumstances) for s in sessions))

    assert [s.position for s in sessions] == [sessions[0].position] * 2
    assert len(await store.read(RUN.name(run_id))) == 1


async def test_an_aggregate_has_room_for_so_many_events_and_no_more(log_client: Client) -> None:
    store = JetStreamEventStore(log_client)
    run_id = uuid4()
    limit, last = streams.MAX_EVENTS_PER_AGGREGATE, 0
    full = [draft(claimed(run_id=run_id), version=n, run_id=run_id) for n in range(1, limit + 1)]
    for start in range(0, limit, BATCH):
        last = (await store.append(full[start : start + BATCH], expected=last))[-1].position

    with pytest.raises(AggregateFull):
        await store.append(
            [draft(claimed(run_id=run_id), version=limit + 1, run_id=run_id)], expected=last
        )

    read = await store.read(full[0].aggregate)
    assert [event.id for event in read] == [event.id for event in full]
    assert await store.read(full[0].aggregate, after=read[1500].position) == read[1501:]
