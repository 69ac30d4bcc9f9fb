"""Intake of input images: inspected, and stored once under their content."""

import hashlib
import time
from collections.abc import Iterable
from datetime import datetime
from itertools import count

from msgspec import Struct

from events.files import FileRef
from events.run.events import ImageUploaded, input_uploaded
from infra.images.accepted import ImageFacts, inspect_image_now
from infra.images.process import inspect_in_process
from infra.images.size import image_size
from infra.jetstream.tombstones import Tombstones
from infra.offload import SMALL, in_thread, in_thread_if
from infra.s3.keys import input_key
from infra.s3.port import ObjectStorage, StorageUnavailable
from infra.settings.settings import Settings

LIGHT_BYTES = 1024 * 1024
LIGHT_PIXELS = 2_000_000
"""Up to here decoding takes some tens of milliseconds; a process takes longer to start."""

HEAD = 256 * 1024
"""Bytes in which an image tells its size."""


class InputImages(Struct, frozen=True, kw_only=True):
    """Intake of input images, with its limits."""

    storage: ObjectStorage
    given_up: Tombstones
    settings: Settings

    async def look_at(self, data: bytes) -> ImageFacts:
        """Return what an image is.

        Raises:
            ImageRefused: it is no image that we take.

        """
        limits = self.settings.image_bytes, self.settings.image_pixels
        return await inspect_image(data, max_bytes=limits[0], max_pixels=limits[1])

    async def store(
        self, data: bytes, facts: ImageFacts, *, tenant: str, name: str, now: datetime
    ) -> ImageUploaded:
        """Store *data* as the image of input *name*; the same image again is stored once.

        Raises:
            StorageUnavailable, StorageRefused, LogUnavailable: it is not stored.

        """
        sha256 = await in_thread_if(len(data) > SMALL, _sha256, data)
        key = await self._good_key(tenant, sha256, facts.extension)
        began = time.monotonic()
        await self.storage.put_bytes(key, data, facts.media_type)
        upload_duration = round(time.monotonic() - began, 3)
        file = FileRef(
            key=key,
            media_type=facts.media_type,
            bytes=len(data),
            sha256=sha256,
            width=facts.width,
            height=facts.height,
        )
        return input_uploaded(file, name=name, upload_duration=upload_duration, at=now)

    async def confirm(self, images: Iterable[ImageUploaded]) -> None:
        """Return if all *images* may still be used; to be asked last before they are recorded.

        Raises:
            StorageUnavailable: one is being erased; store it again.
            LogUnavailable: that cannot be known.

        """
        for image in images:
            if await self.given_up.contains(image.key):
                raise StorageUnavailable(f"{image.key} is being erased")

    async def _good_key(self, tenant: str, sha256: str, extension: str) -> str:
        secret = self.settings.jwt_secret.encode()
        for generation in count():
            key = input_key(tenant, sha256, extension, secret=secret, generation=generation)
            if not await self.given_up.contains(key):
                return key
        raise AssertionError("counting has no end")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def inspect_image(data: bytes, *, max_bytes: int, max_pixels: int) -> ImageFacts:
    """Return what an image is, beside the event loop: in a process if it may take long.

    Raises:
        ImageRefused: it is no image that we take.

    """
    if may_take_long(data):
        return await inspect_in_process(data, max_bytes=max_bytes, max_pixels=max_pixels)
    return await in_thread(inspect_image_now, data, max_bytes=max_bytes, max_pixels=max_pixels)


def may_take_long(data: bytes) -> bool:
    """Whether decoding may take long enough for others to notice."""
    size = image_size(data[:HEAD])
    return len(data) > LIGHT_BYTES or (size is not None and size[0] * size[1] > LIGHT_PIXELS)
