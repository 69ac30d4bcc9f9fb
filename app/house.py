"""What the doors work with: put together once at start, given to every handler."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.auth import Caller, Tokens
from app.hub import Hub
from app.run_rows import RunRows
from events.envelope import Meta
from infra.event_store import EventStore
from infra.object_storage import ObjectStorage
from infra.postgres import Pool
from infra.run_inputs import RunInputs
from infra.settings import Settings

REMEMBERED_WRITES = 50_000


class RecentWrites:
    """The positions this process has promised: nobody may be shown anything older."""

    def __init__(self) -> None:
        self._positions: OrderedDict[UUID, int] = OrderedDict()

    def note(self, identifier: UUID, position: int) -> None:
        """Remember that the aggregate was answered for at *position*; a promise never shrinks."""
        self._positions[identifier] = max(position, self.position(identifier))
        self._positions.move_to_end(identifier)
        if len(self._positions) > REMEMBERED_WRITES:
            self._positions.popitem(last=False)

    def position(self, identifier: UUID) -> int:
        """Give the last promise for an aggregate, 0 for none."""
        return self._positions.get(identifier, 0)


class House(Struct, frozen=True, kw_only=True):
    """Everything a handler may reach for."""

    settings: Settings
    store: EventStore
    inputs: RunInputs
    storage: ObjectStorage
    pool: Pool
    run_rows: RunRows
    hub: Hub
    tokens: Tokens
    recent: RecentWrites
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]

    def meta(self, caller: Caller, *, command_id: UUID | None = None) -> Meta:
        """Give the circumstances of a command of the caller's."""
        identifier = command_id or self.new_id()
        return Meta(
            tenant=caller.tenant,
            actor=caller.actor,
            command_id=identifier,
            correlation_id=str(identifier),
        )
