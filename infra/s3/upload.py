"""Streaming upload to S3: any size through a fixed amount of memory, all of it or nothing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from infra.s3.served_types import disposition_of

if TYPE_CHECKING:  # the types are there while developing, not in production
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

PART = 5 * 1024 * 1024
"""Bytes per part, the least S3 takes: two and a bit are held, and 10,000 parts make 48 GiB."""


class Destination(Struct, frozen=True, kw_only=True):
    """Where an upload goes."""

    client: "S3Client"
    bucket: str
    key: str
    media_type: str


class Source:
    """A stream on its way through memory, a part at a time, measured as it goes by."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self.size = 0
        """Bytes read so far."""

    @property
    def sha256(self) -> str:
        """Of the bytes read so far, in hex."""
        return self._hash.hexdigest()

    @property
    def buffered(self) -> int:
        """Bytes read and not taken."""
        return len(self._buffer)

    async def fill(self) -> None:
        """Read until there is a whole part, or no more."""
        while len(self._buffer) < PART:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return
            self.size += len(chunk)
            self._hash.update(chunk)
            self._buffer += chunk

    def take(self) -> bytes:
        """Remove one part from the buffer; all but the last have the same size, as R2 asks."""
        part = bytes(memoryview(self._buffer)[:PART])
        del self._buffer[:PART]
        return part


async def upload(destination: Destination, chunks: AsyncIterator[bytes]) -> Source:
    """Store what *chunks* yields; give what was read, measured.

    Raises:
        BotoCoreError, ClientError: the storage's; what *chunks* raises is passed on as well.

    """
    source = Source(chunks)
    await source.fill()
    if source.buffered < PART:
        await _put(destination, source.take())
    else:
        await _put_parts(destination, source)
    return source


async def _put(to: Destination, data: bytes) -> None:
    await to.client.put_object(
        Bucket=to.bucket,
        Key=to.key,
        Body=BytesIO(data),
        ContentType=to.media_type,
        ContentDisposition=disposition_of(to.media_type),
    )


async def _put_parts(to: Destination, source: Source) -> None:
    created = await to.client.create_multipart_upload(
        Bucket=to.bucket,
        Key=to.key,
        ContentType=to.media_type,
        ContentDisposition=disposition_of(to.media_type),
    )
    upload_id = created["UploadId"]
    done: list[CompletedPartTypeDef] = []
    try:
        while source.buffered:
            done.append(await _put_part(to, upload_id, number=len(done) + 1, data=source.take()))
            await source.fill()
        await to.client.complete_multipart_upload(
            Bucket=to.bucket, Key=to.key, UploadId=upload_id, MultipartUpload={"Parts": done}
        )
    except BaseException:
        # Being cancelled, too, must not leave parts behind: they cost money and are not seen.
        await asyncio.shield(asyncio.ensure_future(_abort(to, upload_id)))
        raise


async def _put_part(
    to: Destination, upload_id: str, *, number: int, data: bytes
) -> "CompletedPartTypeDef":
    sent = await to.client.upload_part(
        Bucket=to.bucket, Key=to.key, UploadId=upload_id, PartNumber=number, Body=BytesIO(data)
    )
    return {"PartNumber": number, "ETag": sent["ETag"]}


async def _abort(to: Destination, upload_id: str) -> None:
    # What went wrong first is the news; where even this fails, the bucket's lifecycle cleans up.
    with suppress(BotoCoreError, ClientError):
        await to.client.abort_multipart_upload(Bucket=to.bucket, Key=to.key, UploadId=upload_id)
