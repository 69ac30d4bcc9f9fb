"""The recent events of one tenant, kept once for all clients that follow it.

A client is a place in the log and nothing more, however slow it is: no events wait for it. What
the channel does not hold any more is read from the log (app/live/tenant_backlog.py). See
docs/adr/0029.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from app.live.client import LiveClient
from app.live.tenant_backlog import TenantBacklog
from app.live.tenant_frame import TenantFrame, tenant_frame
from events.envelope import AnyRecorded

RECENT = 1024
"""Events that a channel holds: about three seconds of fifty runs a second."""


def begin_near(head: int, positions: Iterable[int]) -> int:
    """Return where a reader begins that has clients at these *positions*.

    That is where the log ends, or a little before: so a channel holds what its first clients have
    missed, as it does when all of them come back after a restart.
    """
    return min((position for position in positions if head - position <= RECENT), default=head)


class TenantPiece(Struct, frozen=True, kw_only=True):
    """What one client has not taken yet."""

    frames: Sequence[TenantFrame]
    beat: bool
    """Whether a heartbeat is due."""

    past: bool = False
    """Whether they were read from the log: there may be more."""

    skipped: bool = False
    """Whether there was more than the channel holds, and it was not read."""


class TenantChannel:
    """A ring of events, complete from a position on."""

    def __init__(self, tenant: str, backlog: TenantBacklog, head: Callable[[], int | None]) -> None:
        """Hold what the reader hands out; *head* is where it is, None before it has begun."""
        self.tenant = tenant
        self.backlog = backlog
        self.head = head
        self.clients: set[TenantSubscription] = set()
        self.noted = 0
        """The position up to which a client has noted what it was sent, for all of them."""

        self._since = head()
        """The events beyond this position are held, all of them."""

        self._frames: deque[TenantFrame] = deque()

    def begin(self, position: int) -> None:
        """Begin where the reader begins."""
        self._since = position
        self._wake()

    def publish(self, recorded: AnyRecorded, data: bytes) -> None:
        """Hold an event, and wake the clients."""
        frame = tenant_frame(recorded, data)
        if frame.erases:
            self._forget(frame.aggregate)
        elif len(self._frames) >= RECENT:
            self._drop()
        self._frames.append(frame)
        self._wake()

    def beyond(self, position: int) -> Sequence[TenantFrame] | None:
        """Return the events beyond a position; None where not all of them are held."""
        if self._since is None:
            return ()
        if position < self._since:
            return None
        found: list[TenantFrame] = []
        for frame in reversed(self._frames):
            if frame.position <= position:
                break
            found.append(frame)
        return found[::-1]

    def _forget(self, aggregate: str) -> None:
        """Drop what was encoded before a run was erased; the log is read without what is private.

        All before it goes as well, so that what is held stays without a gap.
        """
        while any(frame.aggregate == aggregate for frame in self._frames):
            self._drop()

    def _drop(self) -> None:
        self._since = self._frames.popleft().position

    def _wake(self) -> None:
        for client in self.clients:
            client.wake()


class TenantSubscription(LiveClient):
    """One client of a channel."""

    def __init__(self, channel: TenantChannel, after: int) -> None:
        super().__init__()
        self.position = after
        """Nothing up to here is missing."""

        self.channel = channel
        self.wake()

    async def next(self) -> TenantPiece:
        """Wait for news; return what comes after the position, all of it in the end."""
        beat = await self._woken()
        frames = self._recent()
        if frames is None:
            return TenantPiece(frames=await self._missed(), beat=beat, past=True)
        return TenantPiece(frames=frames, beat=beat)

    async def next_recent(self) -> TenantPiece:
        """Wait for news; return what the channel holds of them, and skip what it does not."""
        beat = await self._woken()
        frames = self._recent()
        if frames is None:
            self.position = self.channel.head() or self.position
        return TenantPiece(frames=frames or (), beat=beat, skipped=frames is None)

    def _recent(self) -> Sequence[TenantFrame] | None:
        frames = self.channel.beyond(self.position)
        if frames is not None:
            # The reader has handed out everything up to where it is.
            self.position = max(self.position, self.channel.head() or 0)
        return frames

    async def _missed(self) -> Sequence[TenantFrame]:
        until = self.channel.head() or 0
        page = await self.channel.backlog.page(
            self.channel.tenant, after=self.position, until=until
        )
        self.position = page.position
        # There may be more, and the channel has gone on.
        self.wake()
        return page.frames
