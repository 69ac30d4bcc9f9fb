"""Work that several workers put at the same moment, into a queue with three replicas."""

import asyncio
from uuid import uuid4

import pytest

from events import subjects
from events.work import render_piece
from infra.jetstream.calls import api
from infra.jetstream.connection import connected
from infra.jetstream.work.queue import WorkQueue
from tests.builders.facts import MACHINE_ID
from tests.servers.nats_cluster import Cluster, migrated

pytestmark = pytest.mark.cluster


async def test_what_many_put_at_once_is_there_once_and_nobody_is_refused(cluster: Cluster) -> None:
    """Replicas take time to agree: the leader answers those who come meanwhile with a conflict."""
    pieces = [render_piece(uuid4(), MACHINE_ID, 1) for _ in range(10)]
    async with (
        connected(cluster.url, name="one") as one,
        connected(cluster.url, name="another") as another,
    ):
        await migrated(one)
        queues = [WorkQueue(one), WorkQueue(another)] * 3
        put = await asyncio.gather(*(q.put_piece(piece) for piece in pieces for q in queues))
        looks = (q.put(subjects.OBSERVE_WORK, MACHINE_ID, message_id="look") for q in queues)
        await asyncio.gather(*looks)
        info = await api(one, f"STREAM.INFO.{subjects.WORK}", {}, within=5)

    assert put.count(True) == len(pieces)
    assert info["state"]["messages"] == len(pieces) + 1
