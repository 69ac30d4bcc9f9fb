"""Composition root of the worker: builds what its handlers need."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from uuid import UUID

from msgspec import Struct

from consumers.batches import finish_batch
from consumers.bulkhead import Bounds, Bulkhead
from consumers.delivery import Handler
from consumers.machines.driver_pool import DriverPool
from consumers.machines.observe import Observer
from consumers.maintenance.erase import Eraser
from consumers.maintenance.retention import sweep
from consumers.run.commands import RunCommands
from consumers.run.follow import Cancellations, Follower
from consumers.run.outages import Outages
from consumers.run.outcome import OutcomeRecorder
from consumers.run.prepare import Preparer
from consumers.run.render import Renderer
from consumers.run.submit import Submitter
from consumers.run.thumbnails import ThumbnailMaker
from consumers.run.upload import Uploader, limits_from
from events.machine.events import Driver
from events.machine.state import Machine
from events.run.callback import CallbackClaims
from infra import clock
from infra.comfyui.driver import ComfyUIMachine, open_client
from infra.comfyui.plugin.driver import CallbackEnd, PluginMachine
from infra.comfyui.plugin.tokens import CallbackTokens
from infra.comfyui.secrets import MachineSecrets
from infra.comfyui.watch.watching import Patience
from infra.event_store import EventStore
from infra.images.store import InputImages
from infra.images.thumbnails import draw_thumbnail
from infra.jetstream.connection import Client
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.live import heard
from infra.jetstream.log.reader import head
from infra.jetstream.private_data import PrivateData
from infra.jetstream.prompt_words import PromptWords
from infra.jetstream.run_progress import ProgressSender
from infra.jetstream.tombstones import Tombstones
from infra.jetstream.work.queue import WorkQueue
from infra.postgres import open_pool
from infra.s3.graphs import Graphs
from infra.s3.storage import open_object_storage
from infra.sealing import Sealer
from infra.settings.settings import Settings, callback_url
from infra.telemetry.worker_metrics import Look

UPLOADS_AT_ONCE = Bounds(slots=8, of_machine=3, of_tenant=6)
"""A machine that never comes to an end with its files leaves room for those of all others."""

THUMBNAILS_AT_ONCE = Bounds(slots=3, of_machine=2, of_tenant=2)
"""Each is a process of 512 MB at most that decodes, behind everything else."""

log = logging.getLogger(__name__)

POOL_SIZE = 2
"""Connections to Postgres, for erasing: nothing else here needs any."""

LOOKS_AT_ONCE = Bounds(slots=8, of_machine=1, of_tenant=6)
"""A machine whose host is gone, or that drips its answer, lets one wait for half a minute."""


LONGEST_TOKEN = 30 * 86_400.0
"""Seconds that a token of callbacks holds at most."""


class Worker(Struct, frozen=True, kw_only=True):
    """What a worker process does with each kind of work."""

    runs: RunCommands
    store: EventStore
    renderer: Renderer
    uploader: Uploader
    eraser: Eraser
    observer: Observer
    thumbnails: ThumbnailMaker
    finish_batch: Handler
    sweep: Callable[[], Awaitable[int]]
    """Erases what was kept long enough; see consumers/maintenance/retention.py."""


async def open_worker(
    client: Client,
    settings: Settings,
    queue: WorkQueue,
    looked: Callable[[Look], None],
    exits: AsyncExitStack,
) -> Worker:
    """Build what the handlers need; *exits* closes it."""
    store = JetStreamEventStore(client)
    storage = await exits.enter_async_context(open_object_storage(settings.spaces))
    pool = await exits.enter_async_context(open_pool(settings.postgres_url, size=POOL_SIZE))
    open_driver = partial(_open_driver, settings, client)
    machines = DriverPool(store, open_driver, Sealer(settings.seal_keys))
    exits.push_async_callback(machines.close)
    private = PrivateData(client)
    given_up = Tombstones(client)
    runs = RunCommands(
        worker=f"worker:{socket.gethostname()}:{os.getpid()}", now=clock.now, new_id=clock.new_id
    )
    recorder = OutcomeRecorder(private=private, runs=runs)
    outages = Outages(runs=runs, patience=settings.machine_wait)
    cancellations = Cancellations(heard=partial(heard, client))
    return Worker(
        runs=runs,
        store=store,
        renderer=Renderer(
            store=store,
            machines=machines,
            submitter=Submitter(
                preparer=Preparer(
                    private=private,
                    storage=storage,
                    graphs=Graphs(storage),
                    intake=InputImages(storage=storage, given_up=given_up, settings=settings),
                    settings=settings,
                    runs=runs,
                ),
                recorder=recorder,
                runs=runs,
                pause=asyncio.sleep,
                callback_token=_callback_tokens(settings),
            ),
            follower=Follower(
                recorder=recorder,
                outages=outages,
                runs=runs,
                cancellations=cancellations,
                progress_of=partial(ProgressSender, client),
                run_timeout=settings.run_timeout,
                queue_timeout=settings.queue_timeout,
            ),
            recorder=recorder,
            outages=outages,
            runs=runs,
        ),
        uploader=Uploader(
            store=store,
            machines=machines,
            storage=storage,
            bulkhead=Bulkhead(UPLOADS_AT_ONCE),
            limits=limits_from(settings),
            outages=outages,
            runs=runs,
            cancellations=cancellations,
        ),
        eraser=Eraser(
            store=store,
            private=private,
            given_up=given_up,
            storage=storage,
            pool=pool,
            log_end=partial(head, client),
            runs=runs,
            pause=asyncio.sleep,
        ),
        observer=Observer(
            store=store,
            machines=machines,
            storage=storage,
            bulkhead=Bulkhead(LOOKS_AT_ONCE),
            secret=settings.jwt_secret.encode(),
            worker=runs.worker,
            now=clock.now,
            new_id=clock.new_id,
            queue=queue,
            looked=looked,
        ),
        thumbnails=ThumbnailMaker(
            store=store, storage=storage, bulkhead=Bulkhead(THUMBNAILS_AT_ONCE), draw=draw_thumbnail
        ),
        finish_batch=partial(finish_batch, store=store, now=clock.now),
        sweep=partial(sweep, store, pool, runs, keep_days=settings.keep_data_days),
    )


def _callback_tokens(settings: Settings) -> Callable[[UUID, int], str]:
    """Return what makes tokens that hold for as long as an attempt may take, with its files."""
    tokens = CallbackTokens(settings.jwt_secret)
    seconds = settings.queue_timeout + settings.run_timeout + settings.output_timeout
    valid = timedelta(seconds=min(seconds, LONGEST_TOKEN))

    def make(run_id: UUID, attempt: int) -> str:
        expires_at = clock.now() + valid
        return tokens.make(CallbackClaims(run_id=run_id, attempt=attempt, expires_at=expires_at))

    return make


async def _open_driver(
    settings: Settings, client: Client, known: Machine, secrets: MachineSecrets
) -> ComfyUIMachine:
    http = open_client(known.url, secrets=secrets, allow_private=settings.allow_private_machines)
    patience = Patience(silence=settings.silence, unreachable=settings.machine_wait)
    url = callback_url(settings)
    if known.driver != Driver.COMFYUI_DEPLOY:
        return ComfyUIMachine(http, patience)
    if not url:
        # Its runs go on; `comfyd doctor` says it of the API, which should have the same settings.
        log.warning("machine.no_callback_url", extra={"machine": known.name})
        return ComfyUIMachine(http, patience)
    return PluginMachine(http, patience, CallbackEnd(url=url, hear=PromptWords(client).hear))
