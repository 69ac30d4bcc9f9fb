"""Connects to everything the doors work with."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from app.api.v1.event_views import event_frame
from app.auth.setup import open_credentials
from app.house import House
from app.limits.quotas import Quotas
from app.limits.rate_counter import FailoverCounter, OwnCounter, PostgresCounter
from app.limits.rate_limit import RateLimit
from app.live.broadcaster import Broadcaster
from app.live.progress import ProgressChannels
from app.reads.batch_rows import BatchRows
from app.reads.recent_writes import RecentWrites
from app.reads.run_rows import RunRows
from app.reads.texts import Texts
from infra import clock
from infra.jetstream.connection import connected
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.health.log import LogCheck
from infra.jetstream.health.system import SystemHealth
from infra.jetstream.live import LiveProgress
from infra.jetstream.log.group import LogGroups
from infra.jetstream.private_data import PrivateData
from infra.jetstream.tombstones import GivenUpKeys
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import open_pool
from infra.s3.storage import open_object_storage
from infra.sealing import Sealer
from infra.settings.settings import Settings
from infra.telemetry.api_metrics import ApiMetrics
from infra.telemetry.connection_check import connection_check
from infra.telemetry.connections import NatsConnections
from infra.telemetry.watchdog import Watchdog

POOL_SIZE = 8
"""Connections to Postgres."""


@asynccontextmanager
async def open_house(
    settings: Settings, metrics: ApiMetrics, watchdog: Watchdog | None
) -> AsyncIterator[House]:
    """Connect to NATS, which is waited for, to Postgres, which is not, and to object storage."""
    async with AsyncExitStack() as exits:
        client = await exits.enter_async_context(connected(settings.nats_url, name="api"))
        storage = await exits.enter_async_context(open_object_storage(settings.spaces))
        pool = await exits.enter_async_context(open_pool(settings.postgres_url, size=POOL_SIZE))
        log = LogGroups(client)
        broadcaster = Broadcaster(
            log,
            ProgressChannels(LiveProgress(client)),
            frame_of=partial(event_frame, spaces=settings.spaces),
            too_slow=metrics.too_slow,
        )
        metrics.show_run_streams(lambda: broadcaster.run_streams)
        metrics.show_limits(_limits(settings))
        NatsConnections(metrics.registry).add("api", lambda: client)
        if watchdog:
            watchdog.watch("nats", connection_check(client, settings.nats_url))
        await exits.enter_async_context(broadcaster.running())
        store = JetStreamEventStore(client)
        private = PrivateData(client)
        credentials = await exits.enter_async_context(open_credentials(settings, store, pool))
        counter = FailoverCounter(PostgresCounter(pool), OwnCounter())
        yield House(
            settings=settings,
            store=store,
            private=private,
            texts=Texts(private),
            given_up=GivenUpKeys(client),
            storage=storage,
            pool=pool,
            run_rows=RunRows(pool),
            batch_rows=BatchRows(pool),
            log_groups=log,
            broadcaster=broadcaster,
            log_check=LogCheck(client),
            system=SystemHealth(client, settings.nats_url),
            sealer=Sealer(settings.seal_keys),
            work=WorkQueue(client),
            credentials=credentials,
            recent_runs=RecentWrites(),
            recent_batches=RecentWrites(),
            address_limit=RateLimit("address", settings.address_limit, counter),
            credential_limit=RateLimit("default", settings.rate_limit, counter),
            quotas=Quotas(
                pool,
                store,
                in_flight=settings.runs_in_flight,
                per_day=settings.runs_per_day,
                now=clock.now,
                checked=partial(metrics.checked, "quota"),
            ),
            metrics=metrics,
            now=clock.now,
            new_id=clock.new_id,
        )


def _limits(settings: Settings) -> dict[str, int]:
    """Return the limits by the names of their settings."""
    return {
        "COMFYD_RATE_LIMIT": settings.rate_limit,
        "COMFYD_ADDRESS_LIMIT": settings.address_limit,
        "COMFYD_RUNS_IN_FLIGHT": settings.runs_in_flight,
        "COMFYD_RUNS_PER_DAY": settings.runs_per_day,
    }
