"""Readers of stored files: many of them share few connections to object storage.

A reader whose client takes nothing for a while gives its connection back, and takes another one
when it goes on. So slow clients keep neither storage nor each other waiting.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from infra.s3.port import ObjectMissing, ObjectStorage, Span, StorageBusy, StorageUnavailable

CONNECTIONS = 40
"""Less than half of what the client of object storage has: the others are for those who store."""

READERS = 1000
"""At the same time: each holds about 200 KiB on their way to a slow client."""

PLACE_WITHIN = 5.0
"""Seconds that a reader waits for a connection."""


class Readers:
    """Everything that is being read of a bucket."""

    def __init__(
        self, storage: ObjectStorage, *, connections: int = CONNECTIONS, most: int = READERS
    ) -> None:
        self._storage = storage
        self._places = asyncio.Semaphore(connections)
        self._most = most
        self.count = 0
        """Readers now."""

    @asynccontextmanager
    async def open(self, key: str, span: Span | None) -> AsyncIterator["Reader"]:
        """Open an object, or a span of it, for a reader that may be slow.

        Raises:
            StorageBusy: too much is being read.
            ObjectMissing: there is no such object, or it is shorter than the span.
            StorageUnavailable, StorageRefused: see ObjectStorage.

        """
        if self.count >= self._most:
            raise StorageBusy(f"{self.count} files are being read")
        self.count += 1
        try:
            reader = Reader(self._storage, self._places, key, span)
            try:
                await reader.connect()
                yield reader
            finally:
                await reader.release()
        finally:
            self.count -= 1


class Reader:
    """A span of an object, read piece by piece; connected to storage only while it is read."""

    def __init__(
        self, storage: ObjectStorage, places: asyncio.Semaphore, key: str, span: Span | None
    ) -> None:
        self._storage = storage
        self._places = places
        self._key = key
        self._rest = span
        self._chunks: AsyncIterator[bytes] | None = None
        self._connection = AsyncExitStack()

    async def next(self) -> bytes:
        """Return the next piece, nothing at the end; a connection that broke is made again once.

        Raises:
            StorageUnavailable: it broke again.
            ObjectMissing: the object was deleted meanwhile.

        """
        if self._rest is None or not self._rest.length:
            return b""
        if self._chunks is not None:
            try:
                return self._took(await anext(self._chunks, b""))
            except StorageUnavailable:
                await self.release()
        await self.connect()
        assert self._chunks is not None  # it is connected
        return self._took(await anext(self._chunks, b""))

    async def connect(self) -> None:
        """Open what is left to be read; raises as `Readers.open`."""
        async with AsyncExitStack() as undo:
            await self._take_place()
            undo.callback(self._places.release)
            found = await undo.enter_async_context(self._storage.open(self._key, self._rest))
            if self._rest is not None and found.length != self._rest.length:
                raise ObjectMissing(f"{self._key} is not as long as it was")
            self._chunks = found.chunks()
            self._connection = undo.pop_all()

    async def release(self) -> None:
        """Close the connection; the next piece comes by another one."""
        self._chunks = None
        connection, self._connection = self._connection, AsyncExitStack()
        await connection.aclose()

    async def _take_place(self) -> None:
        try:
            async with asyncio.timeout(PLACE_WITHIN):
                await self._places.acquire()
        except TimeoutError:
            raise StorageBusy("all connections are taken") from None

    def _took(self, piece: bytes) -> bytes:
        if not piece:
            raise StorageUnavailable(f"{self._key} ended early")
        assert self._rest is not None  # where there is a piece, there is a span
        self._rest = Span(first=self._rest.first + len(piece), last=self._rest.last)
        return piece
