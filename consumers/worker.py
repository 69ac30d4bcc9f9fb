"""The worker process: which message goes to which handler. The one file that wires FastStream."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from uuid import UUID

from faststream.nats import JStream, NatsBroker, NatsMessage

from consumers.batches import finish_batch
from consumers.broker import PULL, Broker
from consumers.delivery import Breakages, Do, GiveUp, InHand, deliver, growing_delay
from consumers.erase import erase
from consumers.machines import Machines
from consumers.observe import observe
from consumers.placement import Placement
from consumers.places import Bounds, Places
from consumers.reactor import REACTED_TO, react
from consumers.reconcile import Reconciler
from consumers.render import render
from consumers.retention import keep_retention
from consumers.serve_machines import ServedMachines, look_now_and_then
from consumers.tools import Tools, meta
from consumers.trace_runs import ends_run, trace_ended_run
from consumers.upload import upload
from events import subjects
from events.codec import UnknownEventType, UnreadableEvent
from events.decider import RUN
from events.run_commands import FailRun
from events.run_events import RunError
from infra import clock
from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.event_store import load
from infra.given_up_keys import GivenUpKeys
from infra.graphs import Graphs
from infra.jetstream.reactor_durable import REACTOR, ReactorDurable
from infra.jetstream.work_consumers import (
    BATCHES,
    ERASURES,
    KINDS,
    OBSERVATIONS,
    UPLOADS,
    KindOfWork,
)
from infra.jetstream_event_store import JetStreamEventStore, from_log
from infra.log_reader import head
from infra.machine_secrets import MachineSecrets
from infra.nats_connection import UNANSWERED, Client, Msg, connected
from infra.postgres import open_pool
from infra.private_data import PrivateData
from infra.run_progress import ProgressSender
from infra.s3_storage import open_object_storage
from infra.sealing import Sealer
from infra.settings import Settings
from infra.telemetry.connection_check import connection_check, starting
from infra.telemetry.connections import NatsConnections
from infra.telemetry.exposition import Exposition
from infra.telemetry.tracing.spans import enabled
from infra.telemetry.watchdog import Watchdog
from infra.telemetry.worker_metrics import WorkerMetrics
from infra.work_queue import WorkQueue, kind_of_work

log = logging.getLogger(__name__)

UPLOADERS = 32
"""Runs that store outputs, or wait in line for it; the line of one machine or tenant is shorter."""

UPLOADS_AT_ONCE = Bounds(places=8, of_machine=3, of_tenant=6)
"""A machine that never comes to an end with its files leaves room for those of all others."""

POOL_SIZE = 2
"""Connections to Postgres, for erasing: nothing else here needs any."""

OBSERVERS = 16
"""Looks, or waits in line for one."""

LOOKS_AT_ONCE = Bounds(places=8, of_machine=1, of_tenant=6)
"""A machine whose host is gone, or that drips its answer, lets one wait for half a minute."""

_LOG = JStream(subjects.LOG, declare=False)
_WORK = JStream(subjects.WORK, declare=False)

OnWork = Callable[[NatsMessage], Awaitable[None]]


async def work(
    settings: Settings, stop: asyncio.Event, watchdog: Watchdog, exposition: Exposition
) -> None:
    """Do all work there is, until *stop*."""
    broker = Broker(settings.nats_url, name="broker", graceful_timeout=3.0)
    async with AsyncExitStack() as exits:
        # A connection of our own beside the framework's: ours reads headers faster.
        client = await exits.enter_async_context(connected(settings.nats_url, name="worker"))
        metrics = WorkerMetrics(exposition.registry)
        tools = await _tools(client, settings, exits)
        # Before anything that the work in hand needs is closed: first nothing new comes, then all
        # that is left is let go.
        in_hand = InHand()
        exits.push_async_callback(in_hand.let_go)
        exits.push_async_callback(broker.stop)
        queue = WorkQueue(client)
        _react_to_events(broker, tools, queue)
        with starting():
            await ReactorDurable(client).keep()
            for kind in KINDS:
                await queue.serve(kind)
            _serve_work(broker, tools, queue, in_hand, metrics)
            await broker.start()
        connections = NatsConnections(exposition.registry)
        connections.add("worker", lambda: client)
        connections.add("broker", lambda: broker.connection)
        watchdog.watch("nats", connection_check(client, settings.nats_url))
        watchdog.watch("broker", connection_check(await broker.connect(), settings.nats_url))
        watchdog.watch("work", broker.check_pulls)
        log.info("worker.ready", extra={"worker": tools.worker})
        reconciler = Reconciler(client, store=tools.store, queue=queue, now=tools.now)
        placement = Placement(client)
        await _serve_machines(broker, tools, queue, in_hand, reconciler, placement, stop, metrics)


async def _tools(client: Client, settings: Settings, exits: AsyncExitStack) -> Tools:
    store = JetStreamEventStore(client)
    storage = await exits.enter_async_context(open_object_storage(settings.spaces))
    machines = Machines(store, partial(_open_driver, settings), Sealer(settings.seal_keys))
    exits.push_async_callback(machines.close)
    return Tools(
        store=store,
        private=PrivateData(client),
        given_up=GivenUpKeys(client),
        storage=storage,
        graphs=Graphs(storage),
        machines=machines,
        upload_places=Places(UPLOADS_AT_ONCE),
        look_places=Places(LOOKS_AT_ONCE),
        pool=await exits.enter_async_context(open_pool(settings.postgres_url, size=POOL_SIZE)),
        log_end=partial(head, client),
        settings=settings,
        worker=f"worker:{socket.gethostname()}:{os.getpid()}",
        now=clock.now,
        new_id=clock.new_id,
        pause=asyncio.sleep,
        progress_of=partial(ProgressSender, client),
        heard=partial(_heard, client),
    )


async def _open_driver(settings: Settings, url: str, secrets: MachineSecrets) -> ComfyUIMachine:
    return await open_comfyui(
        url,
        secrets=secrets,
        silence=settings.silence,
        patience=settings.machine_wait,
        allow_private=settings.allow_private_machines,
    )


def _react_to_events(broker: NatsBroker, tools: Tools, queue: WorkQueue) -> None:
    @broker.subscriber(
        "ev.*.*.*",
        stream=_LOG,
        queue=REACTOR,  # also the durable's name
    )
    async def on_event(message: NatsMessage) -> None:
        raw = message.raw_message
        headers = raw.headers or {}
        try:
            if headers.get("ce-type") in REACTED_TO:
                await react(from_log(raw), store=tools.store, queue=queue)
            if enabled() and ends_run(headers.get("ce-type", ""), headers.get("x-status", "")):
                await trace_ended_run(from_log(raw), tools.store)
        except (UnknownEventType, UnreadableEvent) as error:
            # A newer comfyd wrote it; a newer comfyd reacts to it.
            log.warning("reactor.unreadable", extra={"error": str(error)})
        except Exception as error:
            # No fact may stay without consequences: it is tried again until it succeeds.
            log.warning("reactor.postponed", exc_info=error)
            with suppress(*UNANSWERED):
                await message.nack(delay=growing_delay(raw.metadata.num_delivered))
            return
        with suppress(*UNANSWERED):
            await message.ack()


def _serve_work(
    broker: NatsBroker, tools: Tools, queue: WorkQueue, in_hand: InHand, metrics: WorkerMetrics
) -> None:
    delivering = partial(_delivering, queue=queue, in_hand=in_hand, metrics=metrics)
    on_upload = delivering(partial(upload, tools=tools), give_up=_fail_run(tools))
    # Whoever asked for these was promised that they will be done.
    on_erase = delivering(partial(erase, tools=tools), give_up=None)
    on_batch = delivering(partial(finish_batch, tools=tools), give_up=None)
    # The next look comes by itself, so nothing is left undone for ever.
    look = partial(observe, tools=tools, queue=queue, looked=metrics.looked)
    on_observe = delivering(look, give_up=_nothing_lost)
    _serve(broker, UPLOADS, on_upload, at_once=UPLOADERS)
    _serve(broker, ERASURES, on_erase)
    _serve(broker, BATCHES, on_batch)
    _serve(broker, OBSERVATIONS, on_observe, at_once=OBSERVERS)


def _serve(broker: NatsBroker, kind: KindOfWork, on_work: OnWork, *, at_once: int = 1) -> None:
    for _ in range(at_once):
        subscriber = broker.subscriber(
            kind.subject, stream=_WORK, durable=kind.consumer, pull_sub=PULL
        )
        subscriber(on_work)


def _delivering(
    do: Do,
    *,
    give_up: GiveUp | None,
    queue: WorkQueue,
    in_hand: InHand,
    metrics: WorkerMetrics,
) -> OnWork:
    breakages = Breakages()

    async def on_work(message: NatsMessage) -> None:
        kind = kind_of_work(message.raw_message.subject)
        with in_hand.held(), metrics.in_hand(kind):
            outcome = await deliver(message, do, give_up=give_up, queue=queue, breakages=breakages)
        metrics.delivered(kind, outcome)

    return on_work


async def _serve_machines(
    broker: NatsBroker,
    tools: Tools,
    queue: WorkQueue,
    in_hand: InHand,
    reconciler: Reconciler,
    placement: Placement,
    stop: asyncio.Event,
    metrics: WorkerMetrics,
) -> None:
    on_render = _delivering(
        partial(render, tools=tools),
        give_up=_fail_run(tools),
        queue=queue,
        in_hand=in_hand,
        metrics=metrics,
    )
    served = ServedMachines(broker, queue, on_render)
    metrics.show_served(lambda: served.count)
    every = tools.settings.observe_every
    async with asyncio.TaskGroup() as group:
        group.create_task(served.keep_up(stop))
        group.create_task(reconciler.keep_up(stop))
        group.create_task(placement.keep_up(stop))
        group.create_task(keep_retention(tools, stop))
        group.create_task(look_now_and_then(queue, every, now=tools.now, stop=stop))


async def _nothing_lost(_machine_id: UUID, _error: str) -> None:
    """Leave a machine as it is known."""


def _fail_run(tools: Tools) -> GiveUp:
    async def give_up(run_id: UUID, error: str) -> None:
        session = await load(tools.store, RUN, run_id)
        if session.state is None:
            return
        reason = RunError(code="internal", message="comfyd could not do the work of this run")
        log.error("run.given_up", extra={"run_id": str(run_id), "error": error})
        await session.execute(FailRun(error=reason, now=tools.now()), meta(tools, session))

    return give_up


@asynccontextmanager
async def _heard(client: Client, aggregate: str, type_name: str) -> AsyncIterator[asyncio.Event]:
    news = asyncio.Event()

    async def hear(message: Msg) -> None:
        if (message.headers or {}).get("ce-type") == type_name:
            news.set()

    subscription = await client.subscribe(subjects.live(aggregate), cb=hear)
    try:
        yield news
    finally:
        with suppress(*UNANSWERED):
            await subscription.unsubscribe()
