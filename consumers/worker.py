"""The worker process: which message goes to which handler. The one file that wires FastStream."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from uuid import UUID

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.js.api import ConsumerConfig

from consumers.delivery import GiveUp, deliver, growing_delay
from consumers.machines import Machines
from consumers.reactor import REACTED_TO, react
from consumers.render import render
from consumers.tools import Tools, meta
from consumers.upload import upload
from events import subjects
from events.codec import UnknownEventType, UnreadableEvent
from events.decider import RUN
from events.run_commands import FailRun
from events.run_events import RunError
from infra import clock
from infra.comfyui.driver import open_comfyui
from infra.event_store import LogUnavailable, load
from infra.graphs import Graphs
from infra.jetstream_event_store import JetStreamEventStore, from_log
from infra.nats_connection import OPTIONS, UNANSWERED, Client, Msg, connected
from infra.object_storage import open_object_storage
from infra.run_inputs import RunInputs
from infra.run_progress import ProgressSender
from infra.settings import Settings
from infra.work_queue import (
    RUNS_PER_MACHINE,
    UPLOAD_CONSUMER,
    WorkQueue,
    render_consumer,
)

log = logging.getLogger(__name__)

UPLOADERS = 4
LOOK_FOR_MACHINES = 1.0
"""Seconds between looks for machines that are new."""

REACTOR = "reactor"
REACTOR_IN_FLIGHT = 256
_LOG = JStream(subjects.LOG, declare=False)
_WORK = JStream(subjects.WORK, declare=False)


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Do all work there is, until *stop*."""
    broker = NatsBroker(
        settings.nats_url.split(","),
        ack_policy=AckPolicy.MANUAL,
        graceful_timeout=3.0,
        logger=None,
        **OPTIONS,
    )
    async with AsyncExitStack() as exits:
        # A connection of our own beside the framework's: ours reads headers faster.
        client = await exits.enter_async_context(connected(settings.nats_url, name="worker"))
        exits.push_async_callback(broker.stop)
        tools = await _tools(client, settings, exits)
        queue = WorkQueue(client)
        await queue.serve_uploads()
        _react_to_events(broker, tools, queue)
        _serve_uploads(broker, tools, queue)
        await broker.start()
        log.info("worker.ready", extra={"worker": tools.worker})
        await _serve_machines(broker, tools, queue, stop)


async def _tools(client: Client, settings: Settings, exits: AsyncExitStack) -> Tools:
    store = JetStreamEventStore(client)
    storage = await exits.enter_async_context(open_object_storage(settings.spaces))
    driver = partial(open_comfyui, silence=settings.silence, patience=settings.machine_wait)
    return Tools(
        store=store,
        inputs=RunInputs(client),
        storage=storage,
        graphs=Graphs(storage),
        machines=Machines(store, driver, exits),
        settings=settings,
        worker=f"worker:{socket.gethostname()}:{os.getpid()}",
        now=clock.now,
        new_id=clock.new_id,
        pause=asyncio.sleep,
        progress_of=partial(ProgressSender, client),
        heard=partial(_heard, client),
    )


def _react_to_events(broker: NatsBroker, tools: Tools, queue: WorkQueue) -> None:
    @broker.subscriber(
        "ev.*.*.*",
        stream=_LOG,
        queue=REACTOR,  # also the durable's name
        config=ConsumerConfig(ack_wait=5, max_ack_pending=REACTOR_IN_FLIGHT),
    )
    async def on_event(message: NatsMessage) -> None:
        raw = message.raw_message
        try:
            if (raw.headers or {}).get("ce-type") in REACTED_TO:
                await react(from_log(raw), store=tools.store, queue=queue)
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


def _serve_uploads(broker: NatsBroker, tools: Tools, queue: WorkQueue) -> None:
    for _ in range(UPLOADERS):

        @broker.subscriber(
            subjects.UPLOAD_WORK, stream=_WORK, durable=UPLOAD_CONSUMER, pull_sub=PullSub()
        )
        async def on_upload(message: NatsMessage) -> None:
            do = partial(_with_tools, upload, tools)
            await deliver(message, do, give_up=_give_up(tools), queue=queue)


async def _serve_machines(
    broker: NatsBroker, tools: Tools, queue: WorkQueue, stop: asyncio.Event
) -> None:
    """Listen for the runs of every machine, also of those that come later."""
    served: set[UUID] = set()
    while not stop.is_set():
        try:
            for machine_id in await queue.machines() - served:
                await _serve_machine(broker, machine_id, tools, queue)
                served.add(machine_id)
        except LogUnavailable as error:
            log.warning("worker.machines_unknown", extra={"error": str(error)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_FOR_MACHINES)


async def _serve_machine(
    broker: NatsBroker, machine_id: UUID, tools: Tools, queue: WorkQueue
) -> None:
    for _ in range(RUNS_PER_MACHINE):
        subscriber = broker.subscriber(
            subjects.render_work(machine_id),
            stream=_WORK,
            durable=render_consumer(machine_id),
            pull_sub=PullSub(),
        )

        @subscriber
        async def on_render(message: NatsMessage) -> None:
            do = partial(_with_tools, render, tools)
            await deliver(message, do, give_up=_give_up(tools), queue=queue)

        await subscriber.start()
    log.info("worker.serves_machine", extra={"machine_id": str(machine_id)})


async def _with_tools(
    handler: Callable[[UUID, int, Tools], Awaitable[None]],
    tools: Tools,
    run_id: UUID,
    delivery: int,
) -> None:
    await handler(run_id, delivery, tools)


def _give_up(tools: Tools) -> GiveUp:
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
