"""Composition root of the worker: builds what its handlers need."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from consumers.machines import Machines
from consumers.places import Bounds, Places
from consumers.tools import Tools
from events import subjects
from infra import clock
from infra.comfyui.driver import ComfyUIMachine, open_comfyui
from infra.comfyui.secrets import MachineSecrets
from infra.jetstream.connection import UNANSWERED, Client, Msg
from infra.jetstream.event_store import JetStreamEventStore
from infra.jetstream.log.reader import head
from infra.jetstream.private_data import PrivateData
from infra.jetstream.run_progress import ProgressSender
from infra.jetstream.tombstones import GivenUpKeys
from infra.postgres import open_pool
from infra.s3.graphs import Graphs
from infra.s3.storage import open_object_storage
from infra.sealing import Sealer
from infra.settings.settings import Settings

UPLOADS_AT_ONCE = Bounds(places=8, of_machine=3, of_tenant=6)
"""A machine that never comes to an end with its files leaves room for those of all others."""

POOL_SIZE = 2
"""Connections to Postgres, for erasing: nothing else here needs any."""

LOOKS_AT_ONCE = Bounds(places=8, of_machine=1, of_tenant=6)
"""A machine whose host is gone, or that drips its answer, lets one wait for half a minute."""


async def open_tools(client: Client, settings: Settings, exits: AsyncExitStack) -> Tools:
    """Build what the handlers need; *exits* closes it."""
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
