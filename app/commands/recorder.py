"""The way every command of a caller's is recorded: the same metadata, clock and ids."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from events.decider import Decider
from events.envelope import AnyRecorded, Meta
from infra.event_store import EventStore, Session
from infra.telemetry.tracing.spans import current

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


class Recorder(Struct, frozen=True, kw_only=True):
    """Records commands of callers in the log."""

    store: EventStore
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]

    def new(self, caller: Caller, decider: Decider[S, C, E], identifier: UUID) -> Session[S, C, E]:
        """Open an aggregate that is to be made in the caller's tenant."""
        return Session(self.store, decider, identifier, tenant=caller.tenant)

    async def execute(
        self, caller: Caller, session: Session[S, C, Any], command: C
    ) -> list[AnyRecorded]:
        """Execute a command of the caller's; see Session.execute."""
        return await session.execute(command, self.meta(caller))

    def meta(self, caller: Caller, *, command_id: UUID | None = None) -> Meta:
        """Build the metadata of a command of the caller's; see recorded_by for its cause."""
        identifier = command_id or self.new_id()
        return Meta(
            tenant=caller.tenant,
            actor=caller.actor,
            command_id=identifier,
            correlation_id=str(identifier),
            causation_id=str(self.new_id()) if command_id else "",
            traceparent=current(),
        )


def recorded_by(meta: Meta, appended: Sequence[AnyRecorded]) -> bool:
    """Whether it was this request that recorded the events.

    A repeated request makes the same event ids, and is given those that the first has recorded.
    """
    return bool(appended) and appended[0].meta.causation_id == meta.causation_id
