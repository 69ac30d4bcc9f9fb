"""What the log says now of keys, tokens and organisations, without asking it for every request.

An answer holds for half a second; then the first who asks reads the log, and all others wait for
the same read. So every process knows of a revocation within a second. When the log is away, the
last answer counts for a minute.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from events.codec import UnknownEventType, UnreadableEvent
from events.decider import Decider
from infra.event_store import EventStore, LogUnavailable, Session

log = logging.getLogger(__name__)

LEASE = 0.5
"""Seconds for which an answer holds."""

PATIENCE = 0.25
"""Seconds to wait for the log when there is an older answer; with the lease, less than a second."""

TRUSTED = 60.0
"""Seconds for which an answer counts while the log is away."""

REMEMBERED = 20_000

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


class Standings:
    """The states of aggregates, at most half a second old."""

    def __init__(
        self,
        store: EventStore,
        *,
        lease: float = LEASE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._known: OrderedDict[tuple[str, UUID], _Standing] = OrderedDict()

    async def of(self, decider: Decider[S, C, E], identifier: UUID) -> S | None:
        """Give an aggregate's state; None when it has no events.

        Raises:
            LogUnavailable: the log is away, and there is no answer that still counts.

        """
        standing = self._standing(decider, identifier)
        now = self._clock()
        if now >= standing.due:
            await self._ask(standing, now)
        if self._clock() - standing.confirmed > TRUSTED:
            raise LogUnavailable("the log does not say who may enter")
        state: S | None = standing.session.state
        return state

    def forget(self, decider: Decider[Any, Any, Any], identifier: UUID) -> None:
        """Ask the log anew before the next answer: this process has just changed it."""
        self._known.pop((decider.kind, identifier), None)

    def _standing(self, decider: Decider[S, C, E], identifier: UUID) -> "_Standing":
        key = (decider.kind, identifier)
        standing = self._known.get(key)
        if standing is None:
            standing = self._known[key] = _Standing(Session(self._store, decider, identifier))
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return standing

    async def _ask(self, standing: "_Standing", now: float) -> None:
        """Wait for the log, but not for long if there is an answer that counts."""
        if standing.asking is None:
            standing.asked = now
            standing.asking = asyncio.create_task(self._read(standing))
        counts = now - standing.confirmed <= TRUSTED
        patience = standing.asked + PATIENCE - now if counts else None
        if patience is None or patience > 0:
            await asyncio.wait({standing.asking}, timeout=patience)

    async def _read(self, standing: "_Standing") -> None:
        try:
            await standing.session.load()
        except (LogUnavailable, UnknownEventType, UnreadableEvent) as error:
            log.warning("standing.unknown", extra={"error": str(error)})
            standing.due = self._clock() + self._lease
        else:
            # Counted from before the question: the answer may be as old as that.
            standing.confirmed = standing.asked
            standing.due = standing.asked + self._lease
        finally:
            standing.asking = None


class _Standing:
    """One aggregate, and how well we know it; times are of the monotonic clock."""

    def __init__(self, session: Session[Any, Any, Any]) -> None:
        self.session = session
        self.confirmed = float("-inf")
        self.due = float("-inf")
        self.asked = float("-inf")
        self.asking: asyncio.Task[None] | None = None
