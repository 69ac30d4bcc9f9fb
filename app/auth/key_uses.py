"""Write-behind buffer of when each key was used last.

A hint to find keys that are not needed any more: it may be lost, and nothing waits for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from uuid import UUID

from infra.postgres import Pool
from projections.hints import note_key_uses

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two writes."""


class KeyUses:
    """Uses that this process has not written yet."""

    def __init__(self, pool: Pool, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._now = now
        self._seen: dict[UUID, datetime] = {}

    def note(self, key_id: UUID) -> None:
        """Remember that the key is used now."""
        self._seen[key_id] = self._now()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write uses every few seconds during the block, and once at its end."""
        task = asyncio.create_task(self._write_again_and_again())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._write()

    async def _write_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._write()

    async def _write(self) -> None:
        if not self._seen:
            return
        seen, self._seen = self._seen, {}
        try:
            async with self._pool.connection() as connection:
                await note_key_uses(connection, seen)
        except Exception as error:  # noqa: BLE001 -- a hint may wait, whatever it waits for
            log.info("key_uses.postponed", extra={"error": str(error)})
            self._seen = seen | self._seen
