"""Many aggregates at once: where each stood at a position, and what happens to any."""

import asyncio
from contextlib import aclosing
from uuid import UUID, uuid4

from events.aggregates import RUN
from events.envelope import AnyRecorded, Entry, Recorded
from events.run.commands import CreateRun, RequestCancel
from infra.event_store import Session
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.aggregates import LogReader
from tests.builders.facts import NOW, created, meta


async def lives(client: Client, count: int) -> list[UUID]:
    """Make runs, then cancel them one after the other."""
    store = JetStreamEventStore(client)
    ids = [uuid4() for _ in range(count)]
    sessions = [Session(store, RUN, run_id) for run_id in ids]
    for run_id, session in zip(ids, sessions, strict=True):
        await session.execute(CreateRun(created=created(run_id=run_id)), meta())
    for session in sessions:
        await session.execute(RequestCancel(by="ada", now=NOW), meta())
    return ids


def statuses(found: list[AnyRecorded]) -> dict[str, str]:
    return {recorded.aggregate: recorded.status for recorded in found}


async def test_the_state_of_many_is_read_as_it_was_at_any_position(log_client: Client) -> None:
    groups = LogReader(log_client)
    names = [RUN.name(run_id) for run_id in await lives(log_client, 5)]

    at_first = await groups.last_events(names, until=3)
    between = await groups.last_events(names, until=9)
    at_last = await groups.last_events(names, until=await groups.head())

    assert statuses(at_first) == dict.fromkeys(names[:3], "not-started")
    assert statuses(between) == dict.fromkeys(names[:2], "cancelled") | dict.fromkeys(
        names[2:], "not-started"
    )
    assert statuses(at_last) == dict.fromkeys(names, "cancelled")


async def test_an_empty_log_and_unknown_aggregates_have_no_last_events(
    log_client: Client,
) -> None:
    groups = LogReader(log_client)
    assert await groups.head() == 0
    assert await groups.last_events(["run-x"], until=0) == []
    await lives(log_client, 1)
    assert await groups.last_events(["run-x"], until=await groups.head()) == []
    assert await groups.last_events([], until=await groups.head()) == []


async def test_as_many_as_a_batch_may_have_are_read_in_one_answer(log_client: Client) -> None:
    groups = LogReader(log_client)
    names = [RUN.name(run_id) for run_id in await lives(log_client, 501)]

    found = await groups.last_events(names, until=await groups.head())

    assert statuses(found) == dict.fromkeys(names, "cancelled")


async def test_following_goes_on_with_what_comes(log_client: Client) -> None:
    groups = LogReader(log_client)
    ids = await lives(log_client, 3)
    wanted = [RUN.name(run_id) for run_id in ids[:2]]
    head = await groups.head()

    async with asyncio.timeout(10), aclosing(groups.follow(wanted, after=3, limit=4)) as batches:
        seen: list[Entry] = []
        while len(seen) < 4:
            seen += await anext(batches)

    assert {entry.aggregate for entry in seen} == set(wanted)
    assert all(isinstance(entry, Recorded) and 3 < entry.position <= head for entry in seen)
