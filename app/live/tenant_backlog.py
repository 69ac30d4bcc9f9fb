"""What clients of a tenant have missed, read from the log page by page.

A page is short, and few are read at once: a thousand clients that come back after a restart, or one
that reads slowly, hold no more readers of the log than READERS.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing

from msgspec import Struct

from app.live.backlog import WINDOW, Log
from app.live.frames import FrameOf
from app.live.tenant_frame import TenantFrame, tenant_frame
from events.aggregates import RUN
from events.envelope import AnyRecorded, Recorded
from events.run.redaction import redact_after
from events.subjects import kind_of
from infra.event_store import LogUnavailable
from infra.jetstream.log.reader import LogInterrupted

log = logging.getLogger(__name__)

READERS = 4
"""Pages that are read at once."""

PAGE = 100
"""Events of the tenant that a page has at most, about."""

LOOKED_AT = 5_000
"""Events of all tenants that are looked at for one page."""

RECONNECT = 0.5
"""Seconds until the log is asked again after it did not answer."""


class Page(Struct, frozen=True, kw_only=True):
    """Events of a tenant."""

    frames: Sequence[TenantFrame]
    position: int
    """Up to here there are no others."""


class TenantBacklog:
    """Reads pages of what was missed."""

    def __init__(self, log: Log, frame_of: FrameOf) -> None:
        self._log = log
        self._frame_of = frame_of
        self._readers = asyncio.Semaphore(READERS)
        self._reading: set[asyncio.Task[Page]] = set()

    async def page(self, tenant: str, *, after: int, until: int) -> Page:
        """Return the next events of a tenant beyond *after*, not beyond *until*.

        While the log does not answer, the page is empty.
        """
        await self._readers.acquire()
        # A task of its own: when the client goes, it still has the time to let a consumer go.
        reading = asyncio.create_task(self._page(tenant, after, until))
        self._reading.add(reading)
        reading.add_done_callback(self._on_read)
        try:
            return await asyncio.shield(reading)
        except (LogUnavailable, LogInterrupted) as error:
            log.info("stream.catch_up_postponed", extra={"error": str(error)})
        await asyncio.sleep(RECONNECT)
        return Page(frames=(), position=after)

    def _on_read(self, reading: asyncio.Task[Page]) -> None:
        self._readers.release()
        self._reading.discard(reading)
        if not reading.cancelled():
            reading.exception()  # seen, even if its client has gone

    async def close(self) -> None:
        """Stop reading."""
        for reading in self._reading:
            reading.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def _page(self, tenant: str, after: int, until: int) -> Page:
        found: list[AnyRecorded] = []
        position = after
        async with aclosing(self._log.follow((), after=after, limit=WINDOW)) as batches:
            async for entries in batches:
                wanted = [entry for entry in entries if entry.position <= until]
                found += [e for e in wanted if isinstance(e, Recorded) and e.meta.tenant == tenant]
                position = min(entries[-1].position, until)
                if position >= until or len(found) >= PAGE or position - after >= LOOKED_AT:
                    break
        shown = await self._without_what_is_erased(found)
        frames = [tenant_frame(recorded, self._frame_of(recorded).data) for recorded in shown]
        return Page(frames=frames, position=position)

    async def _without_what_is_erased(self, found: Sequence[AnyRecorded]) -> Sequence[AnyRecorded]:
        """Redact the events of runs that are erased by now, maybe long after these events."""
        names = list({e.aggregate for e in found if kind_of(e.aggregate) == RUN.kind})
        if not names:
            return found
        last = await self._log.last_events(names, until=await self._log.head())
        # Nothing else comes after an erasure.
        ends = {e.aggregate: e.event for e in last}
        return [redact_after(ends.get(e.aggregate), e) for e in found]
