"""Readers of stored files share few connections, and slow ones hold none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from typing_extensions import override

from infra.s3 import reading
from infra.s3.port import (
    ObjectMissing,
    ObjectStorage,
    Span,
    StorageBusy,
    StorageUnavailable,
    StoredObject,
)
from infra.s3.reading import Reader, Readers
from tests.fakes.object_storage import FakeObject, FakeObjectStorage

KEY = "outputs/a"
CONTENT = bytes(range(256)) * 1024
WHOLE = Span(first=0, last=len(CONTENT) - 1)


class Counting(FakeObjectStorage):
    """Counts what is open, and breaks off as often as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.objects[KEY] = FakeObject(CONTENT, "video/mp4")
        self.open_now = 0
        self.opened: list[Span | None] = []
        self.breaks = 0

    @override
    @asynccontextmanager
    async def open(self, key: str, span: Span | None = None) -> AsyncIterator[StoredObject]:
        async with super().open(key, span) as found:
            self.open_now += 1
            self.opened.append(span)
            try:
                yield Breaking(found, self)
            finally:
                self.open_now -= 1


class Breaking:
    """An object that may break off after its first piece."""

    disposition = "inline"

    def __init__(self, found: StoredObject, storage: Counting) -> None:
        self.media_type = found.media_type
        self.length = found.length
        self._found = found
        self._storage = storage

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield pieces."""
        async for chunk in self._found.chunks():
            yield chunk
            if self._storage.breaks:
                self._storage.breaks -= 1
                raise StorageUnavailable("it broke off")


@pytest.fixture
def storage() -> Counting:
    return Counting()


async def read_all(reader: Reader) -> bytes:
    pieces = []
    while piece := await reader.next():
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("span", [WHOLE, Span(first=5, last=5), Span(first=100, last=200_000)])
async def test_a_span_is_read_by_one_connection(storage: Counting, span: Span) -> None:
    readers = Readers(storage)

    async with readers.open(KEY, span) as reader:
        assert (storage.open_now, readers.count) == (1, 1)
        assert await read_all(reader) == CONTENT[span.first : span.last + 1]

    assert (storage.opened, storage.open_now, readers.count) == ([span], 0, 0)


async def test_an_empty_object_has_no_piece(storage: Counting) -> None:
    storage.objects["outputs/empty"] = FakeObject(b"", "text/plain")

    async with Readers(storage).open("outputs/empty", None) as reader:
        assert await reader.next() == b""


async def test_a_reader_that_lets_go_holds_no_connection_and_goes_on_where_it_was(
    storage: Counting,
) -> None:
    async with Readers(storage).open(KEY, WHOLE) as reader:
        first = await reader.next()
        await reader.release()
        assert storage.open_now == 0
        assert first + await read_all(reader) == CONTENT

    assert storage.opened == [WHOLE, Span(first=len(first), last=WHOLE.last)]


async def test_a_connection_that_breaks_is_made_again(storage: Counting) -> None:
    storage.breaks = 2

    async with Readers(storage).open(KEY, WHOLE) as reader:
        assert await read_all(reader) == CONTENT

    assert len(storage.opened) == 3


async def test_what_has_gone_meanwhile_is_missing(storage: Counting) -> None:
    async with Readers(storage).open(KEY, WHOLE) as reader:
        await reader.next()
        await reader.release()
        await storage.delete(KEY)
        with pytest.raises(ObjectMissing):
            await reader.next()


async def test_an_object_that_is_shorter_than_it_was_is_not_served(storage: Counting) -> None:
    storage.objects[KEY] = FakeObject(CONTENT[:-1], "video/mp4")

    with pytest.raises(ObjectMissing):
        async with Readers(storage).open(KEY, WHOLE):
            pass
    assert storage.open_now == 0


async def test_readers_that_let_go_leave_their_connection_to_others(storage: Counting) -> None:
    readers = Readers(storage, connections=1)

    async with readers.open(KEY, WHOLE) as slow:
        await slow.next()
        await slow.release()
        async with readers.open(KEY, WHOLE) as quick:
            assert await read_all(quick) == CONTENT


async def test_a_reader_without_a_connection_is_refused_in_time(
    storage: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PLACE_WITHIN", 0.02)
    readers = Readers(storage, connections=1)

    async with readers.open(KEY, WHOLE):
        with pytest.raises(StorageBusy):
            async with readers.open(KEY, WHOLE):
                pass
    async with readers.open(KEY, WHOLE):
        assert readers.count == 1


async def test_more_readers_than_may_be_are_refused_at_once(storage: Counting) -> None:
    readers = Readers(storage, most=1)

    async with readers.open(KEY, WHOLE):
        with pytest.raises(StorageBusy):
            async with readers.open(KEY, WHOLE):
                pass
    assert readers.count == 0


async def test_a_reader_that_is_cancelled_leaves_nothing_open(storage: Counting) -> None:
    readers = Readers(storage)
    opened = asyncio.Event()

    async def read() -> None:
        async with readers.open(KEY, WHOLE) as reader:
            await reader.next()
            opened.set()
            await asyncio.Event().wait()

    reading_ = asyncio.create_task(read())
    await opened.wait()
    reading_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading_

    assert (storage.open_now, readers.count) == (0, 0)


async def test_a_storage_that_is_down_is_unavailable(storage: Counting) -> None:
    storage.down = True
    readers = Readers(storage)

    with pytest.raises(StorageUnavailable):
        async with readers.open(KEY, WHOLE):
            pass
    assert readers.count == 0


_: type[ObjectStorage] = Counting
