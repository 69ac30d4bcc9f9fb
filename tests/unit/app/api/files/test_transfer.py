"""Files on their way: at the speed of the client, in little memory, and whole or broken off."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from typing_extensions import override

from app.api.files import transfer
from app.api.files.transfer import FileResponse
from app.http.http_limits import ABORT
from events.errors import NotFound
from infra.s3.port import Span, StorageUnavailable
from infra.s3.reading import Readers
from tests.fakes.object_storage import FakeObject, FakeObjectStorage

KEY = "outputs/a"
CONTENT = bytes(range(256)) * 2048
HEADERS = {"Content-Type": "video/mp4", "Content-Length": str(len(CONTENT))}
WHOLE = Span(first=0, last=len(CONTENT) - 1)


class Client:
    """A client behind a server: it takes what is sent, as fast as it is told."""

    def __init__(self, *, method: str = "GET") -> None:
        self.scope: Any = {"type": "http", "method": method, "extensions": {ABORT: {}}}
        self.scope["extensions"][ABORT][ABORT] = self.leave
        self.taken: list[Any] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.on_piece: Callable[[], None] = lambda: None
        self._gone = asyncio.Event()
        self.aborted = False

    def leave(self) -> None:
        """Close the connection."""
        self.aborted = True
        self._gone.set()
        self.writable.set()

    async def receive(self) -> Any:
        """Wait for the end, as there is no body."""
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a message, as soon as there is room."""
        await self.writable.wait()
        if self._gone.is_set():
            return
        self.taken.append(message)
        if message.get("body"):
            self.on_piece()

    @property
    def body(self) -> bytes:
        """What it has so far."""
        return b"".join(message.get("body", b"") for message in self.taken)

    @property
    def complete(self) -> bool:
        """Whether the answer has ended as answers do."""
        return bool(self.taken) and self.taken[-1].get("more_body") is False


@pytest.fixture
def storage() -> FakeObjectStorage:
    storage = FakeObjectStorage()
    storage.objects[KEY] = FakeObject(CONTENT, "video/mp4")
    return storage


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PATIENCE", 0.02)
    monkeypatch.setattr(transfer, "STALLED", 0.1)


async def answer(readers: Readers, client: Client) -> None:
    response = FileResponse(readers.open(KEY, WHOLE), status_code=200, headers=HEADERS)
    await response.to_asgi_response()(client.scope, client.receive, client.send)


async def test_a_file_is_sent_in_pieces(storage: FakeObjectStorage) -> None:
    client = Client()

    await answer(Readers(storage), client)

    assert client.taken[0]["status"] == 200
    assert (client.body, client.complete) == (CONTENT, True)
    assert max(len(message.get("body", b"")) for message in client.taken) <= 65536


async def test_a_head_has_the_headers_alone(storage: FakeObjectStorage) -> None:
    client = Client(method="HEAD")

    await answer(Readers(storage), client)

    assert dict(client.taken[0]["headers"])[b"content-length"] == b"%d" % len(CONTENT)
    assert (client.body, client.complete) == (b"", True)


async def test_a_file_that_is_gone_is_refused_before_anything_is_sent(
    storage: FakeObjectStorage,
) -> None:
    client = Client()
    await storage.delete(KEY)

    with pytest.raises(NotFound):
        await answer(Readers(storage), client)
    assert client.taken == []


async def test_a_storage_that_is_away_is_a_fault_before_anything_is_sent(
    storage: FakeObjectStorage,
) -> None:
    client = Client()
    storage.down = True

    with pytest.raises(StorageUnavailable):
        await answer(Readers(storage), client)
    assert client.taken == []


async def test_a_client_that_pauses_holds_no_connection_and_misses_nothing(
    storage: FakeObjectStorage,
) -> None:
    client, readers = Client(), Readers(storage, connections=1)
    client.on_piece = client.writable.clear

    sending = asyncio.create_task(answer(readers, client))
    await asyncio.sleep(0.05)  # longer than its patience
    # The one connection is free for others.
    async with readers.open(KEY, WHOLE) as other:
        assert await other.next()
    client.on_piece = lambda: None
    client.writable.set()
    await sending

    assert (client.body, client.complete, client.aborted) == (CONTENT, True, False)


async def test_a_client_that_stalls_is_disconnected(storage: FakeObjectStorage) -> None:
    client, readers = Client(), Readers(storage)
    client.on_piece = client.writable.clear

    await answer(readers, client)

    assert (client.aborted, client.complete, readers.count) == (True, False, 0)


async def test_a_client_that_leaves_ends_the_reading(storage: FakeObjectStorage) -> None:
    client, readers = Client(), Readers(storage)
    client.on_piece = client.leave

    await answer(readers, client)

    assert len(client.body) <= 65536
    assert readers.count == 0


class Unreliable(FakeObjectStorage):
    """Goes away with the first piece."""

    @override
    @asynccontextmanager
    async def open(self, key: str, span: Span | None = None) -> AsyncIterator[Any]:
        """Open an object that breaks off."""
        async with super().open(key, span) as found:
            yield _Broken(found, self)


class _Broken:
    def __init__(self, found: Any, storage: FakeObjectStorage) -> None:
        self.media_type, self.length, self.disposition = found.media_type, found.length, "inline"
        self._found, self._storage = found, storage

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._found.chunks():
            yield chunk
            self._storage.down = True
            raise StorageUnavailable("it broke off")


async def test_a_file_that_breaks_off_never_looks_whole() -> None:
    client, storage = Client(), Unreliable()
    storage.objects[KEY] = FakeObject(CONTENT, "video/mp4")

    await answer(Readers(storage), client)

    assert (client.body, client.complete, client.aborted) == (CONTENT[:65536], False, True)
