"""The port to the log, and the one way to write: load, decide, append.

Errors: VersionConflict (someone else was faster; decide again), LogUnavailable (later might work;
the outcome is settled by the event ids when the caller tries again with the same command), and
AggregateFull and TooLarge (never will).
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from events.codec import type_name_of
from events.decider import Decider
from events.envelope import AnyRecorded, Meta, Recorded
from events.ids import event_id

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

PATIENCE = 15.0
"""How long a command is decided anew while others are faster, in seconds."""

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.25
"""Bounds of the random pause after a conflict, in seconds; it doubles in between."""


class VersionConflict(Exception):
    """The aggregate has moved on since it was loaded."""


class LogUnavailable(Exception):
    """The log did not confirm in time."""


class AggregateFull(Exception):
    """The aggregate holds as many events as one may."""


class TooLarge(Exception):
    """What should be recorded is larger than the log takes."""


class EventStore(Protocol):
    """An append-only log with one sequence per aggregate."""

    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        """Return the aggregate's events beyond position *after*, in order.

        Never staler than what this process was acknowledged before.

        Raises:
            LogUnavailable: the log does not answer.

        """
        ...

    async def last(self, aggregate: str) -> AnyRecorded | None:
        """Return the aggregate's last event, as fresh as read() would.

        Raises:
            LogUnavailable: the log does not answer.

        """
        ...

    async def append(self, events: Sequence[AnyRecorded], *, expected: int) -> list[AnyRecorded]:
        """Append the *events* of one aggregate, all or none; return them with their positions.

        *expected* is the position of the aggregate's last event, 0 for none. Events that are
        already there under the same ids count as appended.

        Raises:
            VersionConflict: the aggregate's last event is another one.
            AggregateFull, TooLarge: the log has no room for it.
            LogUnavailable: not confirmed in time; it may or may not be stored.

        """
        ...


class Session(Generic[S, C, E]):
    """One aggregate as this process last saw it; commands go through here."""

    def __init__(
        self, store: EventStore, decider: Decider[S, C, E], identifier: UUID, *, tenant: str = ""
    ) -> None:
        self._store = store
        self._decider = decider
        self.name = decider.name(identifier)
        self.state: S | None = None
        self.position = 0
        self.version = 0
        self.tenant = tenant
        """Whose aggregate it is: known from its events, or given for one that is to be made."""

        self.last_event_id = ""
        self.correlation_id = ""
        """Of the request that began it: all that follows carries the same."""

        self.traceparent = ""
        """Of the span in which it began."""

        self._one_at_a_time = asyncio.Lock()

    @property
    def existing(self) -> S:
        """The state of an aggregate that is known to have events."""
        assert self.state is not None  # the caller has found or made it
        return self.state

    async def load(self) -> None:
        """Catch up with the log."""
        async with self._one_at_a_time:
            await self._load()

    async def _load(self) -> None:
        for recorded in await self._store.read(self.name, after=self.position):
            self._apply(recorded)

    async def execute(self, command: C, meta: Meta) -> list[AnyRecorded]:
        """Decide and append, starting over when someone else was faster.

        Raises:
            CommandRefused: the rules say no; nothing was recorded.
            VersionConflict: others were faster for PATIENCE seconds.
            LogUnavailable: not confirmed in time; the same command may be sent again.

        """
        async with self._one_at_a_time:
            return await self._execute(command, meta)

    async def _execute(self, command: C, meta: Meta) -> list[AnyRecorded]:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        longest = FIRST_PAUSE
        while drafts := self._draft(command, meta):
            try:
                appended = await self._store.append(drafts, expected=self.position)
            except VersionConflict:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                # Pauses of any length up to the longest: those who collided do not meet again.
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 -- jitter
                longest = min(2 * longest, LONGEST_PAUSE)
                await self._load()
            else:
                for recorded in appended:
                    self._apply(recorded)
                return appended
        return []

    def _draft(self, command: C, meta: Meta) -> list[AnyRecorded]:
        state = self.state
        drafts: list[AnyRecorded] = []
        for index, event in enumerate(self._decider.decide(state, command)):
            state = self._decider.evolve(state, event)
            drafts.append(
                _draft(
                    self.name,
                    event,
                    meta,
                    version=self.version + index + 1,
                    index=index,
                    status=self._decider.status(state),
                )
            )
        return drafts

    def _apply(self, recorded: AnyRecorded) -> None:
        self.state = self._decider.evolve(self.state, recorded.event)
        self.position = recorded.position
        self.version = recorded.version
        self.tenant = recorded.meta.tenant
        self.last_event_id = str(recorded.id)
        self.correlation_id = self.correlation_id or recorded.meta.correlation_id
        if recorded.version == 1:
            self.traceparent = recorded.meta.traceparent


def _draft(
    name: str, event: Any, meta: Meta, *, version: int, index: int, status: str
) -> AnyRecorded:
    return Recorded(
        aggregate=name,
        position=0,
        version=version,
        id=event_id(meta.command_id, index),
        type=type_name_of(type(event)),
        status=status,
        event=event,
        meta=meta,
        recorded_at=event.at,
    )


async def load(store: EventStore, decider: Decider[S, C, E], identifier: UUID) -> Session[S, C, E]:
    """Open an aggregate and read all of it.

    Raises:
        LogUnavailable: the log does not answer.

    """
    session = Session(store, decider, identifier)
    await session.load()
    return session
