"""What the doors work with: put together once at start, given to every handler."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.batch_rows import BatchRows
from app.hub import Hub
from app.quotas import Quotas
from app.rate_limit import RateLimit
from app.run_rows import RunRows
from app.texts import Texts
from events.envelope import AnyRecorded, Meta
from infra.event_store import EventStore, LogUnavailable
from infra.jetstream.health.log import LogCheck
from infra.jetstream.health.system import SystemHealth
from infra.jetstream.log.group import LogGroups
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import GivenUpKeys
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import Pool
from infra.s3.port import ObjectStorage
from infra.sealing import Sealer
from infra.settings.settings import Settings
from infra.telemetry.api_metrics import ApiMetrics
from infra.telemetry.tracing.spans import current

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

    def check(self, identifier: UUID, position: int) -> None:
        """Return if an answer of the log's at *position* keeps the promise.

        The leader of the log is always new enough. But one that the others have deposed, because
        the network is cut in two, goes on answering for some seconds before it knows.

        Raises:
            LogUnavailable: it is older.

        """
        if position < self.position(identifier):
            raise LogUnavailable(f"the log answers as it was before {self.position(identifier)}")


class House(Struct, frozen=True, kw_only=True):
    """Everything a handler may reach for."""

    settings: Settings
    store: EventStore
    private: PrivateData
    given_up: GivenUpKeys
    texts: Texts
    storage: ObjectStorage
    pool: Pool
    run_rows: RunRows
    batch_rows: BatchRows
    log_groups: LogGroups
    hub: Hub
    credentials: Credentials
    recent_runs: RecentWrites
    recent_batches: RecentWrites
    address_limit: RateLimit
    credential_limit: RateLimit
    quotas: Quotas
    log_check: LogCheck
    metrics: ApiMetrics
    system: SystemHealth
    sealer: Sealer
    work: WorkQueue
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]

    def meta(self, caller: Caller, *, command_id: UUID | None = None) -> Meta:
        """Give the circumstances of a command of the caller's; see recorded_by for its cause."""
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
    """Tell whether it was this request that recorded the events.

    A repeated request makes the same event ids, and is given those that the first has recorded.
    """
    return bool(appended) and appended[0].meta.causation_id == meta.causation_id
