"""Object storage: the port its users see. Its one driver is storage.py.

Errors come in two families: *later might work* (StorageUnavailable) and
*never will* (StorageRefused, ObjectMissing).
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from events.files import FileRef


class StorageUnavailable(Exception):
    """Object storage does not answer, or says that it cannot just now."""


class StorageBusy(StorageUnavailable):
    """All connections that readers of files may have are taken."""


class StorageRefused(Exception):
    """Object storage answers no: a wrong key, a missing bucket, a request it does not take."""


class ObjectMissing(Exception):
    """There is no such object."""


class Span(Struct, frozen=True, kw_only=True):
    """Some bytes of an object, from *first* to *last*, both of which belong to it."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Number of its bytes."""
        return self.last - self.first + 1


class StoredObject(Protocol):
    """An open object."""

    media_type: str
    length: int
    """Of what `chunks` yields, in bytes."""

    disposition: str
    """What a browser does with it: inline (shown) or attachment (saved)."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content, piece by piece.

        Raises:
            StorageUnavailable: it broke off.

        """
        ...


class ObjectStorage(Protocol):
    """Somewhere to keep objects. Every method may raise StorageUnavailable or StorageRefused.

    What a browser could run is stored so that it is saved instead of shown (served_types.py).
    """

    async def put_bytes(self, key: str, data: bytes, media_type: str) -> None:
        """Store *data* unless *key* is taken: a key stands for one content, for ever."""

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> FileRef:
        """Store what *chunks* yields, whatever was there before, in 16 MiB of memory at most.

        What *chunks* raises is passed on; nothing is stored then.
        """
        ...

    async def size(self, key: str) -> int | None:
        """Return an object's size in bytes; None if there is no object *key*."""
        ...

    async def get_bytes(self, key: str) -> bytes:
        """Return an object's content.

        Raises:
            ObjectMissing: there is none.

        """
        ...

    def open(self, key: str, span: Span | None = None) -> AbstractAsyncContextManager[StoredObject]:
        """Open an object, or a span of it, for streaming; the connection ends with the context.

        Raises (on entering):
            ObjectMissing: there is none, or it ends before the span begins.

        """
        ...

    async def upload_url(self, key: str, media_type: str, *, seconds: int) -> str:
        """Return a URL to which someone may PUT the object *key*, as this media type and no other.

        It holds for so many *seconds*. What is put replaces what was there before.
        """
        ...

    async def delete(self, key: str) -> None:
        """Delete an object, if there is one."""

    async def delete_all(self, prefix: str) -> None:
        """Delete every object whose key begins with *prefix*."""

    async def check(self) -> None:
        """Return if the bucket can be reached with our key."""
