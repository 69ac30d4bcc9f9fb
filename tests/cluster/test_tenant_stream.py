"""The stream of a tenant while the leader of the log is killed: nothing missing, nothing twice."""

import pytest

from events import subjects
from infra.jetstream.connection import connected
from tests.e2e.batches import colours, done, make
from tests.e2e.graphs import card
from tests.e2e.sse import Message, following_at
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of
from tests.servers.nats_cluster import Cluster, leader_of

pytestmark = [
    pytest.mark.cluster,
    # nats-py leaves the connection to a killed server to the garbage collector.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
    ),
]


async def test_an_open_stream_misses_nothing_when_the_leader_of_the_log_is_killed(
    system: System, cluster: Cluster
) -> None:
    async with client_of(system, "follower") as http:
        tenant = Tenant(http, system.machine_url)
        deployment = await tenant.deploy(card())
        async with following_at(http, "/v1/events", after="0") as stream:
            first = await make(tenant, deployment, colours(10))
            seen = [await stream.next() for _ in range(20)]
            async with connected(cluster.url, name="tests") as client:
                leader = await leader_of(client, subjects.LOG)
            cluster.kill(leader)
            cluster.restart(leader)
            # Of the runs that went on, and of others that were made after it.
            await done(tenant, first["id"], within=60)
            second = await make(tenant, deployment, colours(5, 50))
            await done(tenant, second["id"], within=60)
            async with following_at(http, "/v1/events?after=0&follow=false") as past:
                story = _facts(await past.rest())
            while int(seen[-1].id or "") < int(story[-1].id or ""):
                seen.append(await stream.next())

    assert _facts(seen) == story
    positions = [int(message.id or "") for message in story]
    assert positions == sorted(set(positions))
    ended = {m.data["run_id"] for m in story if m.data.get("status") == "success"}
    assert ended == {*first["runs"], *second["runs"]}


def _facts(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.event != "position"]
