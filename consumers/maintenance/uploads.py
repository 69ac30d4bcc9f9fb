"""Deletes what clients stored themselves and named in no run, or in one: runs have their own copy.

Every worker sweeps. What two delete at the same time is gone once.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from infra.s3.keys import uploads_of
from infra.s3.port import ObjectStorage, StorageRefused, StorageUnavailable

log = logging.getLogger(__name__)

EVERY = 3600.0
"""Seconds between two sweeps."""

KEPT_DAYS = 1
"""Whole days for which an upload is there; it is deleted with all others of its day."""

LOOKED_BACK = 14
"""Days that are swept again, for those on which no worker was running."""


async def keep_uploads_short(
    storage: ObjectStorage, *, now: Callable[[], datetime], stop: asyncio.Event
) -> None:
    """Sweep again and again, until *stop*."""
    while not stop.is_set():
        try:
            await sweep_uploads(storage, now())
        except (StorageUnavailable, StorageRefused) as error:
            log.warning("uploads.postponed", extra={"error": repr(error)})
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await stop.wait()


async def sweep_uploads(storage: ObjectStorage, now: datetime) -> None:
    """Delete the uploads of all days that are over for longer than KEPT_DAYS.

    Raises:
        StorageUnavailable, StorageRefused: sweep again later.

    """
    for age in range(KEPT_DAYS + 1, LOOKED_BACK + 1):
        await storage.delete_all(uploads_of((now - timedelta(days=age)).date()))
