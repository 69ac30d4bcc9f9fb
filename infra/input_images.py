"""Takes in an input image: looks at it, stores it under its content, and tells what was stored."""

import hashlib
import time
from datetime import datetime

from msgspec import Struct

from events.run_events import ImageUploaded
from infra.images import ImageFacts, inspect_image
from infra.object_keys import input_key
from infra.object_storage import ObjectStorage
from infra.settings import Settings


class InputImages(Struct, frozen=True, kw_only=True):
    """Where input images go, and what is taken."""

    storage: ObjectStorage
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
            StorageUnavailable, StorageRefused: it is not stored.

        """
        sha256 = hashlib.sha256(data).hexdigest()
        secret = self.settings.jwt_secret.encode()
        key = input_key(tenant, sha256, facts.extension, secret=secret)
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
