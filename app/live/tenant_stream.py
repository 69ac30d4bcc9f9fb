"""Streams of all that happens to a tenant: every event, or which things have changed.

Both follow the tenant's channel. What a caller may see is chosen for each client, after the
fan-out: the channel knows of no rights, and of no language.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from app.live.broadcaster import Broadcaster
from app.live.tenant_channel import TenantChannel, TenantPiece, TenantSubscription
from app.live.tenant_frame import TenantFrame
from app.reads.runs.recent_writes import RecentWrites
from app.reads.tenant_events import DeploymentsOf, Selection
from infra.event_store import LogUnavailable
from infra.jetstream.log.aggregates import LogReader
from infra.telemetry.api_metrics import ApiMetrics

log = logging.getLogger(__name__)

EVENTS_EVERY = 0.05
"""Seconds between two pieces of events that happen: each costs a write for each client."""

CHANGES_EVERY = 0.5
"""Seconds between two pieces that say what has changed, at least."""

CHANGES_A_SECOND = 50
"""Pieces for all clients of a tenant together: each has a page read, which costs more than it."""

CHANGES_LATEST = 5.0
"""Seconds between two pieces, however many the clients are."""

MOST_CHANGES = 500
"""Ids of one piece; beyond it, everything is to be read again."""

RECONNECT = 0.5
"""Seconds until the log is asked again after it did not answer."""


class Start(Struct, frozen=True, kw_only=True):
    """Where a stream begins, and how far it goes."""

    tenant: str
    selection: Selection
    after: int
    until: int | None
    """It ends when it has come here, maybe a little further; None: it goes on."""


class EventsPiece(Struct, frozen=True, kw_only=True):
    """What is to be sent to one client now."""

    frames: Sequence[TenantFrame]
    position: int
    """Nothing up to here is missing."""

    last: bool = False
    """Whether the stream ends with it."""


class Changes(Struct, frozen=True, kw_only=True):
    """Which things have changed since the piece before."""

    ids: Mapping[str, Sequence[str]]
    """By kind, each id once."""

    everything: bool
    """Whether there was too much to name it."""

    position: int
    last: bool = False
    """Whether the stream ends with it."""

    @property
    def any(self) -> bool:
        """Whether anything has changed."""
        return self.everything or bool(self.ids)


class TenantStreams:
    """Opens the streams of tenants."""

    def __init__(
        self,
        broadcaster: Broadcaster,
        log: LogReader,
        deployments: DeploymentsOf,
        recent: Mapping[str, RecentWrites],
        projected: Callable[[int], Awaitable[object]],
        metrics: ApiMetrics,
    ) -> None:
        """Note in *recent*, by kind, what clients were sent.

        *projected* waits for the read models to reach a position, for a while.
        """
        self._broadcaster = broadcaster
        self._log = log
        self._deployments = deployments
        self._recent = recent
        self._projected = projected
        self._metrics = metrics

    async def start(
        self, tenant: str, selection: Selection, *, after: int | None, follow: bool
    ) -> Start:
        """Return where a stream begins: behind a position, or now.

        Raises:
            LogUnavailable: the log does not answer.

        """
        head = await self._log.head()
        return Start(
            tenant=tenant,
            selection=selection,
            after=head if after is None else min(after, head),
            until=None if follow else head,
        )

    async def events(self, start: Start) -> AsyncGenerator[EventsPiece, None]:
        """Yield every event from *start* on; a piece without any as a heartbeat."""
        with (
            self._metrics.tenant_stream("events"),
            self._broadcaster.follow_tenant(start.tenant, after=start.after) as subscription,
        ):
            while not subscription.closed:
                piece = await subscription.next()
                last = _is_last(start, subscription)
                self._note(piece, subscription.channel)
                frames = await self._chosen(piece.frames, start.selection)
                if frames or piece.beat or last:
                    yield EventsPiece(frames=frames, position=subscription.position, last=last)
                if last:
                    return
                if frames and not piece.past:
                    await asyncio.sleep(EVENTS_EVERY)

    async def changes(self, start: Start) -> AsyncGenerator[Changes, None]:
        """Yield what has changed from *start* on, as often as `pause` says.

        A piece without any is a heartbeat.
        """
        with (
            self._metrics.tenant_stream("changes"),
            self._broadcaster.follow_tenant(start.tenant, after=start.after) as subscription,
        ):
            while not subscription.closed:
                piece = await subscription.next_recent()
                last = _is_last(start, subscription)
                changes = await self._changes(piece, start, subscription.position, last=last)
                if changes.any:
                    # Pages read lists now, which follow the log a moment later.
                    await self._projected(changes.position)
                if changes.any or piece.beat or last:
                    yield changes
                if last:
                    return
                if changes.any:
                    await asyncio.sleep(pause(len(subscription.channel.clients)))

    async def _changes(
        self, piece: TenantPiece, start: Start, position: int, *, last: bool
    ) -> Changes:
        # One event of each thing will do. The first may be its birth, which names its deployment.
        first: dict[str, TenantFrame] = {}
        for frame in piece.frames:
            first.setdefault(frame.aggregate, frame)
        ids: dict[str, list[str]] = defaultdict(list)
        for frame in await self._chosen([*first.values()], start.selection):
            ids[frame.kind].append(str(frame.identifier))
        everything = piece.skipped or sum(map(len, ids.values())) > MOST_CHANGES
        return Changes(
            ids={} if everything else ids,
            everything=everything,
            position=position,
            last=last,
        )

    async def _chosen(
        self, frames: Sequence[TenantFrame], selection: Selection
    ) -> Sequence[TenantFrame]:
        chosen = [f for f in frames if selection.takes(f.kind, f.type, f.aggregate)]
        if selection.by_deployment:
            return [f for f in chosen if selection.fits(await self._deployments_of(f))]
        return chosen

    def _note(self, piece: TenantPiece, channel: TenantChannel) -> None:
        """Note what a client is sent: no other route may show it anything older."""
        for frame in piece.frames:
            recent = self._recent.get(frame.kind)
            if recent and (piece.past or frame.position > channel.noted):
                recent.note(frame.identifier, frame.position)
        if piece.frames and not piece.past:
            channel.noted = max(channel.noted, piece.frames[-1].position)

    async def _deployments_of(self, frame: TenantFrame) -> frozenset[UUID]:
        while True:
            try:
                return await self._deployments.find(frame.aggregate, frame.deployments)
            except LogUnavailable as error:
                log.info("stream.rights_postponed", extra={"error": str(error)})
                await asyncio.sleep(RECONNECT)


def pause(clients: int) -> float:
    """Return the seconds between two pieces of changes for each of so many clients."""
    return min(max(CHANGES_EVERY, clients / CHANGES_A_SECOND), CHANGES_LATEST)


def _is_last(start: Start, subscription: TenantSubscription) -> bool:
    return start.until is not None and subscription.position >= start.until
