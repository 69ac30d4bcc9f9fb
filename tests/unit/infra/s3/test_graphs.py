"""Stored graphs are read once, and the least recently used leaves first."""

import pytest

from infra.s3.graphs import KEPT, Graphs
from infra.s3.port import ObjectMissing
from tests.fakes.object_storage import FakeObjectStorage


@pytest.fixture
async def storage() -> FakeObjectStorage:
    storage = FakeObjectStorage()
    for number in range(KEPT + 1):
        await storage.put_bytes(f"graphs/{number}", b"%d" % number, "application/json")
    return storage


async def test_a_graph_is_read_once(storage: FakeObjectStorage) -> None:
    graphs = Graphs(storage)
    assert await graphs.get("graphs/7") == b"7"
    storage.objects.clear()
    assert await graphs.get("graphs/7") == b"7"


async def test_the_least_recently_used_leaves_first(storage: FakeObjectStorage) -> None:
    graphs = Graphs(storage)
    for number in range(KEPT):
        await graphs.get(f"graphs/{number}")
    await graphs.get("graphs/0")
    await graphs.get(f"graphs/{KEPT}")
    storage.objects.clear()
    assert await graphs.get("graphs/0") == b"0"
    with pytest.raises(ObjectMissing):
        await graphs.get("graphs/1")
