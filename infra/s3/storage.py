"""Object storage on S3: R2, Spaces, SeaweedFS, AWS.

No ACL is ever sent, since R2 refuses every request that carries one. A bucket is made public by
its own policy or its CDN.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as BrokenBody
from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import (
    ConnectionError as ConnectionFailed,
)
from botocore.parsers import ResponseParserError

from events.files import FileRef
from infra.s3.port import (
    ObjectMissing,
    Span,
    StorageRefused,
    StorageUnavailable,
    StoredObject,
)
from infra.s3.served_types import disposition_of
from infra.s3.upload import Destination, upload
from infra.settings.settings import Spaces

if TYPE_CHECKING:  # the types are there while developing, not in production
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3 import S3Client

_CHUNK = 256 * 1024
_CONFIG = AioConfig(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    # R2 and older gateways know nothing of the checksums that botocore adds on its own.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    connect_timeout=5,
    read_timeout=60,
    # One retry, for a kept connection that the server has closed; all others are the caller's.
    retries={"total_max_attempts": 2, "mode": "standard"},
    # Readers of files take 40 of them at most (reading.py): they never hold up those who store.
    max_pool_connections=100,
)


class S3Object:
    """An open object of a bucket."""

    def __init__(
        self, body: "StreamingBody", *, media_type: str, length: int, disposition: str
    ) -> None:
        self._body = body
        self.media_type = media_type
        self.length = length
        self.disposition = disposition

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content, piece by piece."""
        try:
            while chunk := await self._body.read(_CHUNK):
                yield chunk
        except (*_CANNOT_REACH, BrokenBody) as error:
            raise StorageUnavailable(str(error)) from error


class S3ObjectStorage:
    """A bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def put_bytes(self, key: str, data: bytes, media_type: str) -> None:
        """Store *data* unless there is an object *key*."""
        with _translated():
            try:
                await self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=BytesIO(data),
                    ContentType=media_type,
                    ContentDisposition=disposition_of(media_type),
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if _status(error) != _PRECONDITION_FAILED:
                    raise

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> FileRef:
        """Store what *chunks* yields."""
        with _translated():
            destination = Destination(
                client=self._client, bucket=self._bucket, key=key, media_type=media_type
            )
            went_by = await upload(destination, chunks)
        return FileRef(key=key, bytes=went_by.size, sha256=went_by.sha256, media_type=media_type)

    async def size(self, key: str) -> int | None:
        """Return an object's size in bytes; None if there is no object *key*."""
        with _translated():
            try:
                found = await self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if _status(error) != HTTPStatus.NOT_FOUND:
                    raise
                return None
        return found["ContentLength"]

    async def get_bytes(self, key: str) -> bytes:
        """Return an object's content."""
        async with self.open(key) as found:
            return b"".join([chunk async for chunk in found.chunks()])

    @asynccontextmanager
    async def open(self, key: str, span: Span | None = None) -> AsyncIterator[StoredObject]:
        """Open an object, or a span of it, for streaming."""
        part = {"Range": f"bytes={span.first}-{span.last}"} if span else {}
        with _translated():
            found = await self._client.get_object(Bucket=self._bucket, Key=key, **part)  # type: ignore[arg-type]  # mypy mixes the parameters up
        body = found["Body"]
        async with body:
            yield S3Object(
                body,
                media_type=found["ContentType"],
                length=found["ContentLength"],
                disposition=found.get("ContentDisposition", ""),
            )

    async def upload_url(self, key: str, media_type: str, *, seconds: int) -> str:
        """Return a URL to which someone may PUT the object *key*; nothing is sent."""
        return await self._client.generate_presigned_url(
            "put_object",
            Params={"Bucket": self._bucket, "Key": key, "ContentType": media_type},
            ExpiresIn=seconds,
        )

    async def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        with _translated():
            await self._client.delete_object(Bucket=self._bucket, Key=key)

    async def delete_all(self, prefix: str) -> None:
        """Delete every object whose key begins with *prefix*."""
        pages = self._client.get_paginator("list_objects_v2")
        with _translated():
            async for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for found in page.get("Contents", []):
                    # One by one: deleting many at once needs a checksum that not every S3 takes.
                    await self._client.delete_object(Bucket=self._bucket, Key=found["Key"])

    async def check(self) -> None:
        """Return if the bucket can be reached with our key."""
        with _translated():
            await self._client.head_bucket(Bucket=self._bucket)


@asynccontextmanager
async def open_object_storage(spaces: Spaces) -> AsyncIterator[S3ObjectStorage]:
    """Keep one client, and its connections, for as long as the context lasts."""
    async with aioboto3.Session().client(
        "s3",
        endpoint_url=spaces.endpoint,
        region_name=spaces.region,
        aws_access_key_id=spaces.key,
        aws_secret_access_key=spaces.secret,
        config=_CONFIG,
    ) as client:
        yield S3ObjectStorage(client, spaces.bucket)


_PRECONDITION_FAILED = 412
_MISSING = frozenset({"NoSuchKey", "InvalidRange"})
_LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 507})
_CANNOT_REACH = (HTTPClientError, ConnectionFailed, IncompleteReadError, ResponseParserError)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _CANNOT_REACH as error:
        raise StorageUnavailable(str(error)) from error
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            raise ObjectMissing(str(error)) from error
        family = StorageUnavailable if _status(error) in _LATER else StorageRefused
        raise family(str(error)) from error


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
