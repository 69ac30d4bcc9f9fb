"""The metrics of one process, and the page that Prometheus reads.

Every process has a registry of its own, made at start and passed to whatever counts: two systems
in one process (the tests) never count for each other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from importlib.metadata import version
from typing import Any

from msgspec import Struct
from prometheus_client import (
    CollectorRegistry,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder


class Page(Struct, frozen=True, kw_only=True):
    """All metrics of a process, as text."""

    body: bytes
    content_type: str


Scrape = Callable[[str], Awaitable[Page]]
"""Returns the page in a format that the scraper accepts (its Accept header)."""


LOOK_WITHIN = 0.5
"""Seconds a page waits for those who are asked: scrapers give up, and then see nothing at all."""


async def _nothing() -> None:
    """Look at nothing."""


class Exposition:
    """What a process shows; its parts are added while it starts."""

    def __init__(self, process: str) -> None:
        """Begin with what every process shows; *process* is api, worker or projector."""
        # A time for each series, which is not looked at, would double the page.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = CollectorRegistry()
        self.look: Callable[[], Coroutine[Any, Any, None]] = _nothing
        """Finds out, before each page, what is not counted as it happens."""

        self._looking: asyncio.Task[None] | None = None
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        build = Info("comfyd_build", "Which process of comfyd this is.", registry=self.registry)
        build.info({"process": process, "version": version("comfyd")})

    async def scrape(self, accept: str) -> Page:
        """Return the page in a format that the Accept header *accept* names."""
        await self._look()
        encode, content_type = choose_encoder(accept)
        return Page(body=encode(self.registry), content_type=content_type)

    async def _look(self) -> None:
        """Look, but let no scrape wait long: what does not answer is shown by a later one."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self.look())
        done, _ = await asyncio.wait({self._looking}, timeout=LOOK_WITHIN)
        for task in done:
            task.result()
