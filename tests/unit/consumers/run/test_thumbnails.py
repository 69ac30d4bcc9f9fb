"""Making the thumbnails of a run: once, again where they were lost, and none of an erased run."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from msgspec.structs import replace

from consumers.bulkhead import Bounds, Bulkhead
from consumers.delivery import RetryLater
from consumers.run.thumbnails import ThumbnailMaker
from events.aggregates import RUN
from events.run.commands import EraseRun
from events.run.events import RunEvent, StatusChanged
from events.run.status import Status
from infra.event_store import load
from infra.images.thumbnails import NoThumbnail
from tests.builders.facts import (
    NOW,
    RUN_ID,
    claimed,
    created,
    draft,
    image_output,
    meta,
    produced,
    uploaded,
)
from tests.fakes.event_store import MemoryEventStore
from tests.fakes.object_storage import FakeObjectStorage

FIRST, SECOND, TWIN = (
    replace(uploaded(index, name=f"{index}.png"), sha256=sha256 * 64)
    for index, sha256 in enumerate("aba")
)
KEYS = {sha256: f"outputs/runs/{RUN_ID}/thumbnails/{sha256 * 64}-384.webp" for sha256 in "ab"}


class World:
    """A run with three images, two of them the same, and how they are drawn."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.storage = FakeObjectStorage()
        self.bulkhead = Bulkhead(Bounds(slots=1, of_machine=1, of_tenant=1))
        self.drawn: list[bytes] = []
        self.broken: set[bytes] = set()

    @property
    def maker(self) -> ThumbnailMaker:
        """A worker's, as it is after a start."""
        return ThumbnailMaker(
            store=self.store, storage=self.storage, bulkhead=self.bulkhead, draw=self.draw
        )

    async def draw(self, chunks: AsyncIterator[bytes]) -> bytes:
        """Draw a thumbnail of what is no image."""
        data = b"".join([chunk async for chunk in chunks])
        self.drawn.append(data)
        if data in self.broken:
            raise NoThumbnail("broken")
        return b"small " + data

    async def erase(self) -> None:
        """Erase the run; its files are deleted by another worker."""
        session = await load(self.store, RUN, RUN_ID)
        await session.execute(EraseRun(reason="request", by="ada", now=NOW), meta())

    @property
    def thumbnails(self) -> dict[str, bytes]:
        """All thumbnails there are."""
        return {k: o.content for k, o in self.storage.objects.items() if "/thumbnails/" in k}


@pytest.fixture
async def world() -> World:
    world = World()
    ended = StatusChanged(status=Status.SUCCESS, reason="", attempt=1, machine_id=None, at=NOW)
    outputs = produced(*(image_output(n, f"{n}.png") for n in range(3)))
    facts: list[RunEvent] = [created(), claimed(), outputs, FIRST, SECOND, TWIN, ended]
    drafts = [draft(fact, version=n) for n, fact in enumerate(facts, 1)]
    await world.store.append(drafts, expected=0)
    for upload, content in ((FIRST, b"one"), (SECOND, b"two"), (TWIN, b"one")):
        await world.storage.put_bytes(upload.key, content, "image/png")
    return world


async def test_each_content_has_its_thumbnail_beside_the_outputs_of_the_run(world: World) -> None:
    await world.maker.make(RUN_ID, 1)

    assert world.thumbnails == {KEYS["a"]: b"small one", KEYS["b"]: b"small two"}
    found = world.storage.objects[KEYS["a"]]
    assert (found.media_type, found.disposition) == ("image/webp", "inline")


async def test_what_is_there_is_not_drawn_again_and_what_was_lost_is(world: World) -> None:
    await world.maker.make(RUN_ID, 1)
    await world.maker.make(RUN_ID, 2)
    assert world.drawn == [b"one", b"two"]
    await world.storage.delete(KEYS["b"])

    await world.maker.make(RUN_ID, 1)

    assert world.drawn == [b"one", b"two", b"two"]
    assert world.thumbnails == {KEYS["a"]: b"small one", KEYS["b"]: b"small two"}


async def test_a_broken_image_and_a_missing_file_leave_the_others_theirs(world: World) -> None:
    world.broken.add(b"one")
    await world.maker.make(RUN_ID, 1)
    assert world.thumbnails == {KEYS["b"]: b"small two"}
    world.broken.clear()
    await world.storage.delete(FIRST.key)
    await world.storage.delete(TWIN.key)
    await world.storage.delete(KEYS["b"])

    await world.maker.make(RUN_ID, 1)

    assert world.thumbnails == {KEYS["b"]: b"small two"}


async def test_while_the_storage_is_away_they_wait(world: World) -> None:
    world.storage.down = True
    with pytest.raises(RetryLater):
        await world.maker.make(RUN_ID, 1)
    world.storage.down = False

    await world.maker.make(RUN_ID, 2)

    assert sorted(world.thumbnails) == sorted(KEYS.values())


async def test_of_an_erased_run_none_is_made(world: World) -> None:
    await world.erase()

    await world.maker.make(RUN_ID, 1)

    assert (world.drawn, world.thumbnails) == ([], {})


async def test_what_was_made_while_the_run_was_erased_is_deleted(world: World) -> None:
    drawing = world.draw

    async def erased_meanwhile(chunks: AsyncIterator[bytes]) -> bytes:
        thumbnail = await drawing(chunks)
        if len(world.drawn) == 1:
            await world.erase()
            await world.storage.delete_all(f"outputs/runs/{RUN_ID}/")
        return thumbnail

    world.draw = erased_meanwhile  # type: ignore[method-assign]  # the test's own

    await world.maker.make(RUN_ID, 1)

    assert (world.drawn, world.storage.objects) == ([b"one"], {})


async def test_what_a_worker_left_that_died_during_the_erasure_is_deleted_by_the_next(
    world: World,
) -> None:
    await world.erase()
    await world.storage.delete_all(f"outputs/runs/{RUN_ID}/")
    await world.storage.put_bytes(KEYS["a"], b"late", "image/webp")

    await world.maker.make(RUN_ID, 2)

    assert world.storage.objects == {}


async def test_a_run_that_is_open_or_unknown_has_none(world: World) -> None:
    other = uuid4()
    await world.store.append([draft(created(run_id=other), version=1, run_id=other)], expected=0)

    for run_id in (other, uuid4()):
        await world.maker.make(run_id, 1)

    assert world.thumbnails == {}


async def test_decoders_are_few_and_what_finds_no_room_comes_again(world: World) -> None:
    session = await load(world.store, RUN, RUN_ID)
    async with world.bulkhead.slot(session.existing.machine_id, session.tenant, 1):
        in_line = asyncio.create_task(world.maker.make(RUN_ID, 1))
        await asyncio.sleep(0)
        with pytest.raises(RetryLater):
            await world.maker.make(RUN_ID, 1)
        assert world.drawn == []

    await in_line

    assert sorted(world.thumbnails) == sorted(KEYS.values())
