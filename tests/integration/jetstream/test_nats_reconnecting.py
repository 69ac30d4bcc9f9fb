"""A connection comes back after a restart of any node, also by addresses that the cluster tells."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from faststream.nats import JStream, NatsMessage, PullSub

from infra.embedded.ports import LOOPBACK
from infra.jetstream.calls import checked, request
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.work.broker import Broker
from tests.e2e.system import eventually
from tests.network.ports import free_port
from tests.servers.nats_cluster import Cluster, running_cluster
from tests.servers.own_nats import own_nats


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield three nodes that ask for a user and a password."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def node_of(client: Client) -> int | None:
    """Return the number of the node that a client is connected to."""
    name = client._server_info.get("server_name", "")
    return int(name.removeprefix("node")) if client.is_connected else None


async def stored(client: Client, body: bytes) -> bool:
    """Store work once; return whether that was confirmed."""
    try:
        answer = await request(client, "w", body, within=1, headers={"Nats-Msg-Id": body.decode()})
        checked(answer.data)
    except (Unanswered, ApiError):
        return False
    return True


async def test_deliveries_go_on_over_addresses_that_only_the_cluster_told(
    cluster: Cluster,
) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    broker = Broker(cluster.url_of(0), name="test")

    @broker.subscriber("w", stream=JStream("W", declare=False), durable="w", pull_sub=PullSub())
    async def on_work(message: NatsMessage) -> None:
        await message.ack()
        heard.put_nowait(message.body)

    async with connected(cluster.url_of(0), name="test") as client, asyncio.timeout(60):
        log = client.jetstream()
        await log.add_stream(name="W", subjects=["w"], num_replicas=3)
        await broker.start()
        connection = await broker.connect()
        for number in (0, 1):
            cluster.nodes[number].stop(5)
            await eventually(partial(stored, client, b"%d" % number))
            assert await heard.get() == b"%d" % number
            cluster.restart(number)
            await asyncio.to_thread(cluster.wait_ready)
        assert {node_of(client), node_of(connection)} <= {0, 1, 2}
        await broker.stop()


async def test_nothing_is_asked_during_an_outage_and_everything_after_it(tmp_path: Path) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    with own_nats(tmp_path / "nats") as nats:
        broker = Broker(nats.url, name="test")
        pull = PullSub(timeout=0.1)

        @broker.subscriber("w", stream=JStream("W", declare=False), durable="w", pull_sub=pull)
        async def on_work(message: NatsMessage) -> None:
            await message.ack()
            heard.put_nowait(message.body)

        async with connected(nats.url, name="test") as client, asyncio.timeout(60):
            await client.jetstream().add_stream(name="W", subjects=["w"])
            await broker.start()
            connection = await broker.connect()
            nats.stop()

            async def away() -> bool:
                return not connection.is_connected

            await eventually(away)
            await asyncio.sleep(0.2)  # What was asked before is over.
            before = connection.stats["out_msgs"]
            await asyncio.sleep(0.5)
            assert connection.stats["out_msgs"] == before
            nats.start()
            await eventually(partial(stored, client, b"work"))
            assert await heard.get() == b"work"
        await broker.stop()


USERS = 'authorization { users: [{ user: "ada", password: "a" }, { user: "bob", password: "b" }] }'
TOKEN = 'authorization { token: "t0ken" }'
ODD = 'authorization { users: [{ user: "a da", password: "p@ss/w:rd,%41#" }] }'
ODD_TOKEN = 'authorization { token: "t0/ken" }'


@pytest.mark.parametrize(
    ("more", "given"),
    [
        (USERS, "nats://ada:a@HERE"),
        (USERS, "nats://nobody:x@GONE,nats://bob:b@HERE"),
        (USERS, "nats://GONE,nats://ada:a@GONE,nats://HERE"),
        (USERS, "ada:a@GONE,HERE"),
        (TOKEN, "nats://t0ken@GONE,nats://HERE"),
        (TOKEN, "nats://other@GONE,nats://t0ken@HERE"),
        (ODD, "nats://a%20da:p%40ss%2Fw%3Ard%2C%2541%23@GONE,nats://HERE"),
        (ODD_TOKEN, "nats://t0%2Fken@HERE"),
    ],
)
async def test_an_address_without_credentials_gets_the_first_ones(
    tmp_path: Path, more: str, given: str
) -> None:
    with own_nats(tmp_path / "nats", more=more) as nats:
        here = nats.url.removeprefix("nats://")
        url = given.replace("HERE", here).replace("GONE", f"{LOOPBACK}:{free_port()}")
        async with asyncio.timeout(20), connected(url, name="test") as client:
            assert client.is_connected


async def test_only_a_connection_that_was_lost_is_logged_as_lost(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="infra.jetstream.connection")
    async with connected(cluster.url, name="closed"):
        pass
    assert "nats.disconnected" not in caplog.messages

    async def is_logged() -> bool:
        return "nats.disconnected" in caplog.messages

    async with connected(cluster.url, name="lost") as client:
        await client.force_reconnect()
        await eventually(is_logged)


async def test_an_address_where_nobody_is_is_logged_once_and_not_at_each_try(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5), connected(f"{LOOPBACK}:{free_port()}", name="test"):
            pass
    assert [record.message for record in caplog.records] == ["nats.error"]
