"""The worker process: which message goes to which handler."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any
from uuid import UUID

from consumers.bootstrap import Worker, open_worker
from consumers.delivery import FailureCounts, Handler, InHand, OnGiveUp, deliver, growing_delay
from consumers.machines.subscriptions import MachineSubscriptions, schedule_observations
from consumers.maintenance.durable_mover import DurableMover
from consumers.maintenance.reconcile import Reconciler
from consumers.maintenance.retention import keep_retention
from consumers.maintenance.uploads import keep_uploads_short
from consumers.reactor import REACTED_TO, react
from consumers.run.commands import RunCommands
from consumers.trace_runs import ends_run, trace_ended_run
from events.aggregates import RUN
from events.codec import UnknownEventType, UnreadableEvent
from events.run.events import RunError
from infra.event_store import EventStore, load
from infra.jetstream.connection import Client, connected
from infra.jetstream.work.broker import Broker
from infra.jetstream.work.consumers import (
    BATCHES,
    ERASURES,
    KINDS,
    OBSERVATIONS,
    THUMBNAILS,
    UPLOADS,
)
from infra.jetstream.work.delivery import Delivery, OnDelivery
from infra.jetstream.work.queue import WorkQueue, kind_of_work
from infra.jetstream.work.reactor_durable import ReactorDurable
from infra.settings.settings import Settings
from infra.telemetry.connection_check import connection_check, starting
from infra.telemetry.connections import NatsConnections
from infra.telemetry.exposition import Exposition
from infra.telemetry.tracing.spans import enabled
from infra.telemetry.watchdog import Watchdog, check_of
from infra.telemetry.worker_metrics import WorkerMetrics

log = logging.getLogger(__name__)

UPLOADERS = 32
"""Runs that store outputs, or wait in line for it; the line of one machine or tenant is shorter."""

OBSERVERS = 16
"""Looks, or waits in line for one."""

THUMBNAILERS = 8
"""Runs whose thumbnails are made, or wait in line for it; decoders are far fewer."""

REACTIONS = 32
"""Facts that are reacted to at the same time. One after another, a slow NATS makes those behind
wait for so long that they are delivered again, and the copies make the rest wait even longer."""


async def work(
    settings: Settings, stop: asyncio.Event, watchdog: Watchdog, exposition: Exposition
) -> None:
    """Do all work there is, until *stop*."""
    broker = Broker(settings.nats_url, name="broker", graceful_timeout=3.0)
    async with AsyncExitStack() as exits:
        # A connection of our own beside the framework's: ours reads headers faster.
        client = await exits.enter_async_context(connected(settings.nats_url, name="worker"))
        metrics = WorkerMetrics(exposition.registry)
        queue = WorkQueue(client)
        worker = await open_worker(client, settings, queue, metrics.looked, exits)
        # Before anything that the work in hand needs is closed: first nothing new comes, then all
        # that is left is let go.
        in_hand = InHand()
        exits.push_async_callback(in_hand.let_go)
        exits.push_async_callback(broker.stop)
        react_to_events(broker, worker.store, queue)
        with starting():
            await ReactorDurable(client).keep()
            for kind in KINDS:
                await queue.serve(kind)
            _serve_work(broker, worker, queue, in_hand, metrics)
            await broker.start()
        connections = NatsConnections(exposition.registry)
        connections.add("worker", lambda: client)
        broker_client = await broker.connect()
        connections.add("broker", lambda: broker_client)
        watchdog.watch("nats", connection_check(client, settings.nats_url))
        watchdog.watch("broker", connection_check(broker_client, settings.nats_url))
        watchdog.watch("work", check_of(broker.stalled))
        log.info("worker.ready", extra={"worker": worker.runs.worker})
        on_render = _delivering(
            worker.renderer.render,
            on_give_up=_fail_run(worker.store, worker.runs),
            queue=queue,
            in_hand=in_hand,
            metrics=metrics,
        )
        served = MachineSubscriptions(broker, queue, on_render)
        metrics.show_served(lambda: served.count)
        async with asyncio.TaskGroup() as group:
            for duty in _duties(client, worker, queue, settings, stop):
                group.create_task(duty)
            group.create_task(served.keep_up(stop))


def _duties(
    client: Client, worker: Worker, queue: WorkQueue, settings: Settings, stop: asyncio.Event
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what every worker does beside its work, until *stop*."""
    now = worker.runs.now
    yield Reconciler(client, store=worker.store, queue=queue, now=now).keep_up(stop)
    yield DurableMover(client).keep_up(stop)
    yield schedule_observations(queue, settings.observe_every, now=now, stop=stop)
    yield keep_uploads_short(worker.eraser.storage, now=now, stop=stop)
    if settings.keep_data_days > 0:
        yield keep_retention(worker.sweep, stop)


def react_to_events(broker: Broker, store: EventStore, queue: WorkQueue) -> None:
    """Have the workers share the facts of the log, and react to each of them."""

    async def on_event(message: Delivery) -> None:
        headers = message.headers
        try:
            ends = ends_run(headers.get("ce-type", ""), headers.get("x-status", ""))
            if ends or headers.get("ce-type") in REACTED_TO:
                await react(message.recorded, store=store, queue=queue)
            if enabled() and ends:
                await trace_ended_run(message.recorded, store)
        except (UnknownEventType, UnreadableEvent) as error:
            # A newer comfyd wrote it; a newer comfyd reacts to it.
            log.warning("reactor.unreadable", extra={"error": str(error)})
        except Exception as error:
            # No fact may stay without consequences: it is tried again until it succeeds.
            log.warning("reactor.postponed", exc_info=error)
            await message.nack(delay=growing_delay(message.number))
            return
        await message.ack()

    broker.hear_events(on_event, at_once=REACTIONS)


def _serve_work(
    broker: Broker, worker: Worker, queue: WorkQueue, in_hand: InHand, metrics: WorkerMetrics
) -> None:
    delivering = partial(_delivering, queue=queue, in_hand=in_hand, metrics=metrics)
    fail_run = _fail_run(worker.store, worker.runs)
    on_upload = delivering(worker.uploader.upload, on_give_up=fail_run)
    # These were promised to the one who asked for them.
    on_erase = delivering(worker.eraser.erase, on_give_up=None)
    on_batch = delivering(worker.finish_batch, on_give_up=None)
    # The next look comes by itself, so nothing is left undone for ever.
    on_observe = delivering(worker.observer.observe, on_give_up=_nothing_lost)
    # A thumbnail that is missed is asked for again.
    on_thumbnail = delivering(worker.thumbnails.make, on_give_up=_nothing_lost)
    broker.fetch(UPLOADS, on_upload, at_once=UPLOADERS)
    broker.fetch(ERASURES, on_erase)
    broker.fetch(BATCHES, on_batch)
    broker.fetch(OBSERVATIONS, on_observe, at_once=OBSERVERS)
    broker.fetch(THUMBNAILS, on_thumbnail, at_once=THUMBNAILERS)


def _delivering(
    handler: Handler,
    *,
    on_give_up: OnGiveUp | None,
    queue: WorkQueue,
    in_hand: InHand,
    metrics: WorkerMetrics,
) -> OnDelivery:
    failures = FailureCounts()

    async def on_work(message: Delivery) -> None:
        kind = kind_of_work(message.subject)
        with in_hand.held(), metrics.in_hand(kind):
            outcome = await deliver(
                message, handler, on_give_up=on_give_up, queue=queue, failures=failures
            )
        metrics.delivered(kind, outcome)

    return on_work


async def _nothing_lost(_identifier: UUID, _error: str) -> None:
    """Leave a machine as it is known, and a run without thumbnails."""


def _fail_run(store: EventStore, runs: RunCommands) -> OnGiveUp:
    async def give_up(run_id: UUID, error: str) -> None:
        session = await load(store, RUN, run_id)
        if session.state is None:
            return
        reason = RunError(code="internal", message="comfyd could not do the work of this run")
        log.error("run.given_up", extra={"run_id": str(run_id), "error": error})
        await runs.fail(session, reason)

    return give_up
