"""Takes in an input image: looks at it, stores it under its content, and tells what was stored."""

import hashlib
import time
from collections.abc import Iterable
from datetime import datetime
from itertools import count

from msgspec import Struct

from events.run_events import ImageUploaded
from infra.given_up_keys import GivenUpKeys
from infra.images import ImageFacts, inspect_image
from infra.object_keys import input_key
from infra.object_storage import ObjectStorage, StorageUnavailable
from infra.settings import Settings


class InputImages(Struct, frozen=True, kw_only=True):
    """Where input images go, and what is taken."""

    storage: ObjectStorage
    given_up: GivenUpKeys
    settings: Settings

    async def look_at(self, data: bytes) -> ImageFacts:
        """Tell what an image is.

        Raises:
            ImageRefused: it is no image that we take.

        """
        return await inspect_image(
            data, max_bytes=self.settings.image_bytes, max_pixels=self.settings.image_pixels
        )

    async def store(
        self, data: bytes, facts: ImageFacts, *, tenant: str, name: str, now: datetime
    ) -> ImageUploaded:
        """Store *data* as the image of input *name*; the same image again is stored once.

        Raises:
            StorageUnavailable, StorageRefused, LogUnavailable: it is not stored.

        """
        sha256 = hashlib.sha256(data).hexdigest()
        key = await self._good_key(tenant, sha256, facts.extension)
        began = time.monotonic()
        await self.storage.put_bytes(key, data, facts.media_type)
        return ImageUploaded(
            role="input",
            name=name,
            key=key,
            media_type=facts.media_type,
            bytes=len(data),
            sha256=sha256,
            width=facts.width,
            height=facts.height,
            upload_duration=round(time.monotonic() - began, 3),
            attempt=0,
            index=-1,
            at=now,
        )

    async def confirm(self, images: Iterable[ImageUploaded]) -> None:
        """Return if all *images* may still be used; to be asked last before they are recorded.

        Raises:
            StorageUnavailable: one is being erased; store it again.
            LogUnavailable: nobody knows.

        """
        for image in images:
            if await self.given_up.holds(image.key):
                raise StorageUnavailable(f"{image.key} is being erased")

    async def _good_key(self, tenant: str, sha256: str, extension: str) -> str:
        secret = self.settings.jwt_secret.encode()
        for generation in count():
            key = input_key(tenant, sha256, extension, secret=secret, generation=generation)
            if not await self.given_up.holds(key):
                return key
        raise AssertionError("counting has no end")
