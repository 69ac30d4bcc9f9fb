"""A leader that is cut off from the others: it answers for seconds, and nothing comes of it."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest

from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.subjects import LOG
from infra.event_store import LogUnavailable
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.health.log import LogCheck
from infra.jetstream.log.reader import head
from tests.builders.facts import claimed, created, draft
from tests.network.route_proxies import RouteProxies
from tests.servers.nats_cluster import NODES, leader_of, migrated, running_cluster

pytestmark = pytest.mark.cluster

T = TypeVar("T")

ELECTED_WITHIN = 30.0


async def append_when_elected(client: Client, event: AnyRecorded, *, expected: int) -> AnyRecorded:
    store = JetStreamEventStore(client, patience=ELECTED_WITHIN, per_try=1)
    [appended] = await store.append([event], expected=expected)
    return appended


async def answer(question: Awaitable[T]) -> T | None:
    """Return what a leader says that was deposed; None once it knows and says nothing."""
    try:
        return await question
    except (LogUnavailable, ApiError, Unanswered):
        return None


async def test_what_is_decided_by_the_words_of_a_deposed_leader_is_not_recorded(
    tmp_path: Path,
) -> None:
    proxies, run_id = RouteProxies(), uuid4()
    first = draft(created(run_id=run_id), version=1, run_id=run_id)
    second = draft(claimed(run_id=run_id), version=2, run_id=run_id)
    wrong = draft(claimed(run_id=run_id, fence=9), version=2, run_id=run_id)
    with running_cluster(tmp_path, proxies) as cluster:
        async with connected(cluster.url_of(0), name="test") as client:
            await migrated(client)
            [known] = await JetStreamEventStore(client).append([first], expected=0)
            leader = await leader_of(client, LOG)
        async with (
            connected(cluster.url_of(leader), name="cut off") as old,
            connected(cluster.url_of((leader + 1) % NODES), name="majority") as new,
        ):
            proxies.isolate(f"node{leader}")
            appended = await append_when_elected(new, second, expected=known.position)

            store = JetStreamEventStore(old, patience=1, per_try=0.5)
            believed = await answer(store.last(RUN.name(run_id)))
            ended = await answer(head(old))
            writable = await LogCheck(old).can_write()
            with pytest.raises(LogUnavailable):
                await store.append([wrong], expected=known.position)
            proxies.heal()

            store = JetStreamEventStore(old, patience=ELECTED_WITHIN)
            recorded: list[AnyRecorded] = []
            async with asyncio.timeout(ELECTED_WITHIN):
                while len(recorded) < 2:
                    await asyncio.sleep(0.1)
                    recorded = await store.read(RUN.name(run_id))

    # It answers as if nothing had happened, until it knows, and never writes (docs/adr/0023).
    assert believed is None or believed.id == first.id
    assert ended in {None, known.position}
    assert not writable
    assert [event.id for event in recorded] == [first.id, second.id]
    assert recorded[-1].position == appended.position
