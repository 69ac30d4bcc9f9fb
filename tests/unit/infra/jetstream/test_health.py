"""What NATS answers about streams and consumers, read: recorded from nats-server 2.15.1."""

from typing import Any

import pytest

from infra.embedded.disk import Disk
from infra.jetstream.health.replicas import Replica, StreamHealth, read_stream
from infra.jetstream.health.workers import Queue, read_consumer

SECOND = 1_000_000_000


def info(*replicas: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an answer of STREAM.INFO, with some of its parts changed."""
    config = {"name": "RUNS", "num_replicas": 3, "compression": "none", "discard": "new"}
    cluster = {"name": "test", "leader": "node0", "replicas": list(replicas)}
    state = {"bytes": 80, "messages": 9, "consumer_count": 2, "last_seq": 9}
    return {
        "config": config | changes.get("config", {}),
        "state": state,
        "cluster": changes.get("cluster", cluster),
    }


@pytest.mark.parametrize(
    ("found", "silent", "behind"),
    [
        ({"current": True, "active": SECOND // 2}, False, 0),
        # Killed, seen by the leader that came after it.
        ({"current": False, "active": 0, "lag": 2}, True, 0),
        # Frozen: the leader goes on to call it current.
        ({"current": True, "active": 6 * SECOND}, True, 0),
        ({"current": False, "active": SECOND, "offline": True}, True, 0),
        ({"current": False, "active": SECOND, "lag": 993}, False, 993),
        ({"current": False, "active": SECOND}, False, 1),
        # Under load everybody is a little behind.
        ({"current": True, "active": 9, "lag": 40}, False, 0),
        ({"current": True, "active": 9, "lag": 4_000}, False, 4_000),
    ],
)
def test_a_replica_is_well_silent_or_behind(
    found: dict[str, Any], *, silent: bool, behind: int
) -> None:
    [replica] = read_stream(info({"name": "node2", **found})).replicas
    lag = found.get("lag", 0)
    assert replica == Replica(node="node2", silent=silent, behind=behind, lag=lag)


def test_a_stream_without_a_leader_has_none() -> None:
    leaderless = {"name": "test", "replicas": [{"name": "node0", "current": True, "active": 1}]}
    assert read_stream(info(cluster=leaderless)).leader == ""


def test_a_server_alone_leads_its_streams() -> None:
    for cluster in (None, {"leader": "node0"}):
        found = read_stream(info(cluster=cluster, config={"num_replicas": 1}))
        assert (bool(found.leader), found.clustered, found.replicas) == (True, False, ())


@pytest.mark.parametrize(
    ("limits", "fullness"),
    [
        ({"max_bytes": -1, "max_msgs": -1}, 0.0),
        ({"max_bytes": 100, "max_msgs": 1_000}, 0.8),
        ({"max_bytes": 1_000, "max_msgs": 10}, 0.9),
        ({"max_consumers": 2}, 1.0),
        # What drops its oldest message refuses none.
        ({"max_msgs": 9, "discard": "old"}, 0.0),
    ],
)
def test_a_stream_is_as_full_as_its_narrowest_limit(
    limits: dict[str, Any], fullness: float
) -> None:
    assert read_stream(info(config=limits)).fullness == pytest.approx(fullness)


def test_compression_is_seen() -> None:
    assert read_stream(info(config={"compression": "s2"})) == StreamHealth(
        name="RUNS",
        leader="node0",
        clustered=True,
        copies=3,
        last=9,
        messages=9,
        bytes=80,
        compressed=True,
    )


@pytest.mark.parametrize(
    ("found", "queue", "neglected"),
    [
        # A push consumer whose workers are connected.
        ({"push_bound": True}, Queue(name="q", listening=True), False),
        ({}, Queue(name="q", listening=False), False),
        ({"num_pending": 3}, Queue(name="q", listening=False, waiting=3), True),
        ({"num_pending": 3, "num_waiting": 1}, Queue(name="q", listening=True, waiting=3), False),
        # The workers have their hands full.
        (
            {"num_pending": 3, "num_ack_pending": 2},
            Queue(name="q", listening=False, waiting=3, in_hand=2),
            False,
        ),
    ],
)
def test_a_queue_is_neglected_where_work_waits_and_nobody_is_there(
    found: dict[str, Any], queue: Queue, *, neglected: bool
) -> None:
    nothing = {"name": "q", "num_pending": 0, "num_ack_pending": 0, "num_waiting": 0}
    assert read_consumer(nothing | found) == queue
    assert queue.neglected == neglected


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [
        (999_999_999, 100_000_000_000, True),
        (1_000_000_000, 100_000_000_000, False),
        # A small disk is not low for being small.
        (480_000_000, 600_000_000, False),
        (59_000_000, 600_000_000, True),
    ],
)
def test_a_disk_is_low_by_its_size(free: int, total: int, *, low: bool) -> None:
    assert Disk(free=free, total=total).low == low
