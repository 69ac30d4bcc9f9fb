"""What is outside of the process, as the objects that are built know it."""

from msgspec import Struct

from infra.event_store import EventStore
from infra.jetstream.health.cluster import ClusterHealth
from infra.jetstream.health.log import LogCheck
from infra.jetstream.log.aggregates import LogReader
from infra.jetstream.private_data import PrivateData
from infra.jetstream.prompt_words import PromptWords
from infra.jetstream.tombstones import Tombstones
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import Pool
from infra.s3.port import ObjectStorage
from infra.settings.settings import Settings
from infra.telemetry.api_metrics import ApiMetrics


class Outside(Struct, frozen=True, kw_only=True):
    """The drivers of what is outside of the process."""

    settings: Settings
    metrics: ApiMetrics
    store: EventStore
    log_reader: LogReader
    private: PrivateData
    tombstones: Tombstones
    prompt_words: PromptWords
    work: WorkQueue
    log_check: LogCheck
    system: ClusterHealth
    pool: Pool
    storage: ObjectStorage
