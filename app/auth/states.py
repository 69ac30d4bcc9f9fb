"""Cache of the states of keys, tokens and organisations, at most half a second old.

After half a second the first request reads the log again, and all others wait for the same read. So
every process knows of a revocation within a second. While the log is away, the last state counts
for a minute.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from cachetools import LRUCache

from events.codec import UnknownEventType, UnreadableEvent
from events.decider import Decider
from infra.event_store import EventStore, LogUnavailable, Session

log = logging.getLogger(__name__)

LEASE = 0.5
"""Seconds for which a state is not read again."""

PATIENCE = 0.25
"""Seconds to wait for the log when there is an older state; with the lease, less than a second."""

TRUSTED = 60.0
"""Seconds for which a state counts while the log is away."""

REMEMBERED = 20_000

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


class AuthStates:
    """States of aggregates that decide who may enter."""

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
        self._known: LRUCache[tuple[str, UUID], AuthState] = LRUCache(REMEMBERED)

    async def of(self, decider: Decider[S, C, E], identifier: UUID) -> S | None:
        """Return an aggregate's state; None when it has no events.

        Raises:
            LogUnavailable: the log is away, and there is no state that still counts.

        """
        known = self._entry(decider, identifier)
        now = self._clock()
        if now >= known.due:
            await self._refresh(known, now)
        if self._clock() - known.confirmed > TRUSTED:
            raise LogUnavailable("the log does not say who may enter")
        state: S | None = known.session.state
        return state

    def forget(self, decider: Decider[Any, Any, Any], identifier: UUID) -> None:
        """Read the log before the next answer: this process has just changed the aggregate."""
        self._known.pop((decider.kind, identifier), None)

    def _entry(self, decider: Decider[S, C, E], identifier: UUID) -> "AuthState":
        key = (decider.kind, identifier)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = AuthState(Session(self._store, decider, identifier))
        return known

    async def _refresh(self, known: "AuthState", now: float) -> None:
        """Wait for the log, but not for long if there is a state that counts."""
        if known.asking is None:
            known.asked = now
            known.asking = asyncio.create_task(self._read(known))
        counts = now - known.confirmed <= TRUSTED
        patience = known.asked + PATIENCE - now if counts else None
        if patience is None or patience > 0:
            await asyncio.wait({known.asking}, timeout=patience)

    async def _read(self, known: "AuthState") -> None:
        try:
            await known.session.load()
        except (LogUnavailable, UnknownEventType, UnreadableEvent) as error:
            log.warning("standing.unknown", extra={"error": str(error)})
            known.due = self._clock() + self._lease
        else:
            # Counted from before the question: the answer may be as old as that.
            known.confirmed = known.asked
            known.due = known.asked + self._lease
        finally:
            known.asking = None


class AuthState:
    """The state of one aggregate, and how new it is; times are of the monotonic clock."""

    def __init__(self, session: Session[Any, Any, Any]) -> None:
        self.session = session
        self.confirmed = float("-inf")
        self.due = float("-inf")
        self.asked = float("-inf")
        self.asking: asyncio.Task[None] | None = None
