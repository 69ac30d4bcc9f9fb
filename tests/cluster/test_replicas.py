"""Replicas: their number grows when asked for, with all consumers, and never shrinks by itself."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from events import subjects
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.streams import declared as streams
from infra.jetstream.streams.cannot_migrate import CannotMigrate
from infra.jetstream.work.consumers import BATCHES, ERASURES, OBSERVATIONS, UPLOADS
from infra.jetstream.work.queue import WorkQueue
from infra.jetstream.work.reactor_durable import ReactorDurable
from tests.e2e.system import eventually
from tests.servers.nats_cluster import Cluster

pytestmark = pytest.mark.cluster

NAMES = {wanted["name"] for wanted in streams.declarations(1)}


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    """Return a connection to three nodes without any stream."""
    async with connected(cluster.url, name="tests") as found:
        yield found


async def test_the_number_of_replicas_grows_with_its_consumers_and_shrinks_only_by_name(
    client: Client, cluster: Cluster
) -> None:
    await streams.migrate(client)
    assert await replicas(client) == dict.fromkeys(NAMES, 1)
    await make_consumers(client)

    await streams.migrate(client, replicas=3)
    await eventually(lambda: all_in_step(client), within=60)

    # As an update or a restore types it: whatever is missing gets what the log has.
    await api(client, f"STREAM.DELETE.{subjects.WORK}", {}, within=5)
    await streams.migrate(client)
    assert await replicas(client) == dict.fromkeys(NAMES, 3)
    with pytest.raises(CannotMigrate) as refused:
        await streams.migrate(client, replicas=1)
    assert refused.value.code == "would_lower_replicas"
    assert await replicas(client) == dict.fromkeys(NAMES, 3)
    with pytest.raises(CannotMigrate, match="5 replicas need as many NATS servers") as refused:
        await streams.migrate(client, replicas=5, patience=0)
    assert refused.value.code == "too_few_servers"

    await streams.migrate(client, replicas=1, lower=["num_replicas"])
    assert await replicas(client) == dict.fromkeys(NAMES, 1)

    for number in (1, 2):
        cluster.kill(number)
    async with connected(cluster.url_of(0), name="tests") as alone:
        with pytest.raises(CannotMigrate, match="more than half of the servers must run"):
            await streams.migrate(alone, replicas=3, patience=0)


async def replicas(client: Client) -> dict[str, int]:
    return {
        plan.name: plan.present["num_replicas"]
        for plan in await streams.plan(client)
        if plan.present
    }


async def make_consumers(client: Client) -> None:
    queue = WorkQueue(client)
    for kind in (UPLOADS, ERASURES, BATCHES, OBSERVATIONS):
        await queue.serve(kind)
    await queue.serve_machine(uuid4())
    await ReactorDurable(client).keep()


async def all_in_step(client: Client) -> bool:
    infos = [await api(client, f"STREAM.INFO.{name}", {}, within=5) for name in sorted(NAMES)]
    for stream, durables in ((subjects.LOG, 1), (subjects.WORK, 5)):
        page = await api(client, f"CONSUMER.LIST.{stream}", {}, within=5)
        assert len(page["consumers"]) == durables
        infos += page["consumers"]
    return all(copies_in_step(info) == 3 for info in infos)


def copies_in_step(info: dict[str, Any]) -> int:
    others = info["cluster"].get("replicas") or []
    return 1 + len([replica for replica in others if replica["current"]])
