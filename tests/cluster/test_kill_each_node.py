"""Each node is killed ten times while others write: afterwards the copies of all are the same."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import UUID, uuid4

import nats.errors
import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import ServiceUnavailableError

from events import subjects
from events.aggregates import RUN
from infra.event_store import LogUnavailable
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.consumer import UNHEARD, UNHEARD_PAUSE
from infra.jetstream.private_data import PrivateData
from infra.jetstream.streams import declared as streams
from tests.builders.facts import created, draft
from tests.e2e.system import eventually
from tests.servers.nats_cluster import NODES, Cluster

pytestmark = [
    pytest.mark.cluster,
    # nats-py leaves the connection to a killed server to the garbage collector.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
    ),
]

ROUNDS, IN_A_ROW = 2, 5
"""Each node is killed five times in a row, twice: an election, which the death of a leader brings
about, takes about six seconds."""

KILLED = [n for _ in range(ROUNDS) for n in range(NODES) for _ in range(IN_A_ROW)]
RUNS_BETWEEN_KILLS = 20
WRITERS = 3
TEXT = "a text that a node has put out, again and again. " * 200
"""10 KB, so that a server has many files to a stream, and seals one while it is written to."""

Copy = dict[int, str]
"""What a node has: a digest of each message by its position."""


class Written:
    """What was confirmed."""

    def __init__(self) -> None:
        self.runs: set[UUID] = set()
        self.kept: set[UUID] = set()
        """Runs whose text is kept."""

        self.erased: set[UUID] = set()


async def test_after_thirty_kills_every_node_has_the_same(
    cluster: Cluster, record_property: Callable[[str, str], None]
) -> None:
    written = Written()
    async with connected(cluster.url, name="tests") as client:
        await streams.migrate(client, replicas=NODES)
        async with writing(client, written):
            for number in KILLED:
                before = len(written.runs)
                cluster.kill(number)
                cluster.restart(number)
                await asyncio.to_thread(cluster.wait_ready)
                await eventually(partial(more_than, written, before), within=60)
        copies = {
            stream: [await copy_of(client, stream, number) for number in range(NODES)]
            for stream in (subjects.LOG, subjects.INPUTS)
        }
        runs, texts = [await names_in(client, stream) for stream in copies]

    for stream, [first, *others] in copies.items():
        assert [differing(first, other) for other in others] == [{}, {}], stream
    assert {subjects.subject(RUN.name(run_id)) for run_id in written.runs} - runs == set()
    assert {subjects.texts(run_id, 1) for run_id in written.kept} - texts == set()
    assert {subjects.texts(run_id, 1) for run_id in written.erased} & texts == set()
    assert len(written.runs) >= len(KILLED) * RUNS_BETWEEN_KILLS
    record_property("written", f"{len(written.runs)} runs, {len(written.erased)} of them erased")


async def more_than(written: Written, before: int) -> bool:
    return len(written.runs) >= before + RUNS_BETWEEN_KILLS


@asynccontextmanager
async def writing(client: Client, written: Written) -> AsyncIterator[None]:
    """Write runs and their texts, erasing one in four, for as long as the context lasts."""
    stop = asyncio.Event()
    writers = [asyncio.create_task(_write(client, written, stop)) for _ in range(WRITERS)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*writers)


async def _write(client: Client, written: Written, stop: asyncio.Event) -> None:
    store, private = JetStreamEventStore(client), PrivateData(client)
    while not stop.is_set():
        run_id = uuid4()
        with suppress(LogUnavailable):
            await store.append(
                [draft(created(run_id=run_id), version=1, run_id=run_id)], expected=0
            )
            written.runs.add(run_id)
            await private.put_texts(run_id, 1, {0: TEXT})
            if run_id.int % 4:
                written.kept.add(run_id)
            else:
                await private.erase(run_id)
                written.erased.add(run_id)


async def copy_of(client: Client, stream: str, number: int) -> Copy:
    """Read what one node has on its own disk.

    A consumer of one replica reads from the node on which it lives, and NATS chooses that.
    """
    last = (await api(client, f"STREAM.INFO.{stream}", {}, within=20))["state"]["last_seq"]
    consumer = await _consumer_on(client, stream, f"node{number}")
    reader = await client.jetstream().pull_subscribe_bind(consumer, stream=stream)
    found: Copy = {}
    with suppress(nats.errors.TimeoutError):
        while max(found, default=0) < last:
            for message in await _fetched(reader):
                body = repr((message.subject, message.headers)).encode() + message.data
                position = message.metadata.sequence.stream
                found[position] = hashlib.sha256(body).hexdigest()
    await api(client, f"CONSUMER.DELETE.{stream}.{consumer}", {}, within=5)
    return found


async def _fetched(reader: JetStreamContext.PullSubscription) -> list[Msg]:
    for _ in range(UNHEARD):
        try:
            return await reader.fetch(1000, timeout=5)
        except ServiceUnavailableError:
            # It was made a moment ago, and our node does not know the way to it yet.
            await asyncio.sleep(UNHEARD_PAUSE)
    raise AssertionError("nobody hears what is asked of the consumer")


async def _consumer_on(client: Client, stream: str, node: str) -> str:
    config = {"ack_policy": "none", "deliver_policy": "all", "num_replicas": 1}
    for _ in range(50):
        name = uuid4().hex
        request = {"stream_name": stream, "config": config | {"name": name}}
        info = await api(client, f"CONSUMER.CREATE.{stream}.{name}", request, within=20)
        if info["cluster"]["leader"] == node:
            return name
        await api(client, f"CONSUMER.DELETE.{stream}.{name}", {}, within=5)
    raise AssertionError(f"NATS places no consumer on {node}")


def differing(one: Copy, other: Copy) -> dict[int, tuple[str | None, str | None]]:
    return {
        position: (one.get(position), other.get(position))
        for position in one.keys() | other.keys()
        if one.get(position) != other.get(position)
    }


async def names_in(client: Client, stream: str) -> set[str]:
    """Return the subjects of all messages, by pages."""
    found: set[str] = set()
    while True:
        wanted = {"subjects_filter": ">", "offset": len(found)}
        info = await api(client, f"STREAM.INFO.{stream}", wanted, within=10)
        page = info["state"].get("subjects") or {}
        found |= page.keys()
        if not page or len(found) >= info["total"]:
            return found
