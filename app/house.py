"""What the doors work with: put together once at start, given to every handler."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.auth.credentials import Credentials
from app.limits.quotas import Quotas
from app.limits.rate_limit import RateLimit
from app.live.broadcaster import Broadcaster
from app.reads.batch_rows import BatchRows
from app.reads.recent_writes import RecentWrites
from app.reads.run_rows import RunRows
from app.reads.texts import Texts
from infra.event_store import EventStore
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
    broadcaster: Broadcaster
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
