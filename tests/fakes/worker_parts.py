"""What a worker is made of, each part to be replaced by a test, and its handlers made of them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from consumers.bulkhead import Bulkhead
from consumers.machines.driver_pool import DriverPool
from consumers.machines.observe import Observer
from consumers.maintenance.erase import Eraser
from consumers.maintenance.retention import sweep as sweep_runs
from consumers.run.commands import RunCommands
from consumers.run.follow import Cancellations, Follower
from consumers.run.outages import Outages
from consumers.run.outcome import OutcomeRecorder
from consumers.run.prepare import Preparer
from consumers.run.render import Renderer
from consumers.run.submit import Submitter
from consumers.run.upload import Uploader, limits_from
from infra.event_store import EventStore
from infra.images.store import InputImages
from infra.jetstream.private_data import PrivateData
from infra.jetstream.run_progress import ProgressSender
from infra.jetstream.tombstones import Tombstones
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import Pool
from infra.s3.graphs import Graphs
from infra.s3.port import ObjectStorage
from infra.settings.settings import Settings
from infra.telemetry.worker_metrics import Look


class WorkerParts(Struct, frozen=True, kw_only=True):
    """The parts of a worker."""

    store: EventStore
    private: PrivateData
    given_up: Tombstones
    storage: ObjectStorage
    graphs: Graphs
    machines: DriverPool
    upload_bulkhead: Bulkhead
    look_bulkhead: Bulkhead
    pool: Pool
    settings: Settings
    worker: str
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    pause: Callable[[float], Awaitable[None]]
    log_end: Callable[[], Awaitable[int]]
    progress_of: Callable[[UUID], ProgressSender]
    heard: Callable[[str, str], AbstractAsyncContextManager[asyncio.Event]]

    @property
    def runs(self) -> RunCommands:
        """The commands about runs."""
        return RunCommands(worker=self.worker, now=self.now, new_id=self.new_id)

    @property
    def outages(self) -> Outages:
        """The policy for outages."""
        return Outages(runs=self.runs, patience=self.settings.machine_wait)

    @property
    def cancellations(self) -> Cancellations:
        """The watch for cancellations."""
        return Cancellations(heard=self.heard)


async def render(run_id: UUID, delivery: int, parts: WorkerParts) -> None:
    """Render as this worker does."""
    recorder = OutcomeRecorder(private=parts.private, runs=parts.runs)
    await Renderer(
        store=parts.store,
        machines=parts.machines,
        submitter=Submitter(
            preparer=Preparer(
                private=parts.private,
                storage=parts.storage,
                graphs=parts.graphs,
                intake=InputImages(
                    storage=parts.storage, given_up=parts.given_up, settings=parts.settings
                ),
                settings=parts.settings,
                runs=parts.runs,
            ),
            recorder=recorder,
            runs=parts.runs,
            pause=parts.pause,
            callback_token=lambda run_id, attempt: f"{run_id}/{attempt}",
        ),
        follower=Follower(
            recorder=recorder,
            outages=parts.outages,
            runs=parts.runs,
            cancellations=parts.cancellations,
            progress_of=parts.progress_of,
            run_timeout=parts.settings.run_timeout,
            queue_timeout=parts.settings.queue_timeout,
        ),
        recorder=recorder,
        outages=parts.outages,
        runs=parts.runs,
    ).render(run_id, delivery)


async def upload(run_id: UUID, delivery: int, parts: WorkerParts) -> None:
    """Store outputs as this worker does."""
    await Uploader(
        store=parts.store,
        machines=parts.machines,
        storage=parts.storage,
        bulkhead=parts.upload_bulkhead,
        limits=limits_from(parts.settings),
        outages=parts.outages,
        runs=parts.runs,
        cancellations=parts.cancellations,
    ).upload(run_id, delivery)


async def erase(run_id: UUID, delivery: int, parts: WorkerParts) -> None:
    """Erase as this worker does."""
    await Eraser(
        store=parts.store,
        private=parts.private,
        given_up=parts.given_up,
        storage=parts.storage,
        pool=parts.pool,
        log_end=parts.log_end,
        runs=parts.runs,
        pause=parts.pause,
    ).erase(run_id, delivery)


async def sweep(parts: WorkerParts) -> int:
    """Sweep as this worker does."""
    keep_days = parts.settings.keep_data_days
    return await sweep_runs(parts.store, parts.pool, parts.runs, keep_days=keep_days)


async def observe(
    machine_id: UUID,
    delivery: int,
    *,
    parts: WorkerParts,
    queue: WorkQueue,
    looked: Callable[[Look], None],
) -> None:
    """Look at a machine as this worker does."""
    await Observer(
        store=parts.store,
        machines=parts.machines,
        storage=parts.storage,
        bulkhead=parts.look_bulkhead,
        secret=parts.settings.jwt_secret.encode(),
        worker=parts.worker,
        now=parts.now,
        new_id=parts.new_id,
        queue=queue,
        looked=looked,
    ).observe(machine_id, delivery)
