"""Object storage in a dict: passes the same contract suite as S3."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

from events.files import FileRef
from infra.s3.port import ObjectMissing, Span, StorageUnavailable, StoredObject
from infra.s3.served_types import disposition_of


class FakeObject:
    """An object, stored and open at once."""

    def __init__(self, content: bytes, media_type: str) -> None:
        self.content = content
        self.media_type = media_type
        self.length = len(content)
        self.disposition = disposition_of(media_type)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content, piece by piece."""
        for start in range(0, len(self.content), 65536):
            yield self.content[start : start + 65536]


class FakeObjectStorage:
    """A bucket in memory; set *down* and it does not answer."""

    def __init__(self) -> None:
        self.objects: dict[str, FakeObject] = {}
        self.down = False

    async def put_bytes(self, key: str, data: bytes, media_type: str) -> None:
        """Store *data* unless *key* is taken."""
        await self.check()
        self.objects.setdefault(key, FakeObject(data, media_type))

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> FileRef:
        """Store what *chunks* yields."""
        await self.check()
        data = b"".join([chunk async for chunk in chunks])
        self.objects[key] = FakeObject(data, media_type)
        return FileRef(
            key=key,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            media_type=media_type,
        )

    async def size(self, key: str) -> int | None:
        """Return an object's size in bytes; None if there is no object *key*."""
        await self.check()
        found = self.objects.get(key)
        return found.length if found else None

    async def get_bytes(self, key: str) -> bytes:
        """Return an object's content."""
        await self.check()
        return self._found(key).content

    @asynccontextmanager
    async def open(self, key: str, span: Span | None = None) -> AsyncIterator[StoredObject]:
        """Open an object, or a span of it, for streaming."""
        await self.check()
        found = self._found(key)
        if span is None:
            yield found
        elif span.first >= found.length:
            raise ObjectMissing(key)
        else:
            yield FakeObject(found.content[span.first : span.last + 1], found.media_type)

    async def upload_url(self, key: str, media_type: str, *, seconds: int) -> str:
        """Return a URL that leads nowhere."""
        await self.check()
        return f"https://storage.test/{quote(key)}?{urlencode({'t': media_type, 's': seconds})}"

    async def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        await self.check()
        self.objects.pop(key, None)

    async def delete_all(self, prefix: str) -> None:
        """Delete every object whose key begins with *prefix*."""
        await self.check()
        self.objects = {k: o for k, o in self.objects.items() if not k.startswith(prefix)}

    async def check(self) -> None:
        """Return if it is up."""
        if self.down:
            raise StorageUnavailable("the fake is down")

    def _found(self, key: str) -> FakeObject:
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]
