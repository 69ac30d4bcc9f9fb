"""When a replica counts as standing still, so that no durable may stay on its node."""

from typing import cast

import pytest

from consumers.maintenance.durable_mover import AGAIN, STANDS_STILL, DurableMover
from events.subjects import INPUTS, LOG, WORK
from infra.jetstream.connection import Client
from infra.jetstream.health.replicas import Replica, StreamHealth

Look = tuple[int, int]
"""Where the log ends, and how far the replica is behind."""


def after(*looks: Look, stream: str = LOG) -> list[tuple[str, str]]:
    mover = DurableMover(cast("Client", None))
    found: list[tuple[str, str]] = []
    for last, behind in looks:
        replica = Replica(node="node2", silent=False, behind=behind)
        health = StreamHealth(name=stream, leader="node1", last=last, replicas=(replica,))
        found = mover.standing_still([health])
    return found


def test_a_replica_that_is_behind_and_gets_no_further_stands_still() -> None:
    assert STANDS_STILL == 2
    assert after((100, 5), (100, 5), (100, 5)) == [(LOG, "node2")]
    assert after((100, 5), (150, 55), (300, 205)) == [(LOG, "node2")]
    assert after((9, 5), (9, 5), (9, 5), stream=WORK) == [(WORK, "node2")]


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([(100, 0), (200, 0), (300, 0)], id="it follows"),
        pytest.param([(100, 50)], id="behind once"),
        pytest.param([(100, 50), (150, 100)], id="behind twice"),
        pytest.param([(100, 50), (200, 60), (300, 70)], id="slower than the log, but it comes"),
        pytest.param([(100, 50), (100, 50), (100, 10)], id="it catches up at last"),
        pytest.param([(100, 5), (100, 5), (100, 0), (100, 5), (100, 5)], id="well in between"),
    ],
)
def test_a_replica_that_comes_after_is_left_alone(looks: list[Look]) -> None:
    assert after(*looks) == []


def test_while_it_stands_still_its_durables_are_looked_for_again_now_and_then() -> None:
    looks = [(100, 5)] * (2 * AGAIN + STANDS_STILL + 1)

    found = [after(*looks[:count]) for count in range(1, len(looks) + 1)]

    assert [bool(one) for one in found].count(True) == 3
    assert found[-1] == [(LOG, "node2")]


def test_streams_without_durables_do_not_matter() -> None:
    assert after((100, 5), (100, 5), (100, 5), stream=INPUTS) == []
