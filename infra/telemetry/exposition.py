"""The metrics of one process, and the page that Prometheus reads.

Every process has a registry of its own, made at start and passed to whatever counts: two systems
in one process (the tests) never count for each other.
"""

from collections.abc import Awaitable, Callable
from importlib.metadata import version

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


async def _nothing() -> None:
    """Look at nothing."""


class Exposition:
    """What a process shows; its parts are added while it starts."""

    def __init__(self, process: str) -> None:
        """Begin with what every process shows; *process* is api, worker or projector."""
        # A time for each series, which nobody looks at, would double the page.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = CollectorRegistry()
        self.look: Callable[[], Awaitable[None]] = _nothing
        """Finds out, before each page, what is not counted as it happens."""

        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        build = Info("comfyd_build", "Which process of comfyd this is.", registry=self.registry)
        build.info({"process": process, "version": version("comfyd")})

    async def scrape(self, accept: str) -> Page:
        """Return the page in a format that the Accept header *accept* names."""
        await self.look()
        encode, content_type = choose_encoder(accept)
        return Page(body=encode(self.registry), content_type=content_type)
