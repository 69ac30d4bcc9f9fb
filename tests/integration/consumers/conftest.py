"""A world in which runs are erased."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest

from infra.jetstream.connection import Client
from infra.jetstream.log.reader import head
from infra.postgres import connect, open_pool
from projections.schema import create_tables
from tests.builders.erasing import World
from tests.fakes.machine import FakeMachine, worker_tools
from tests.fakes.rendering import silence


@pytest.fixture
async def world(log_client: Client, postgres_url: str) -> AsyncIterator[World]:
    async with AsyncExitStack() as exits:
        async with connect(postgres_url) as connection:
            await create_tables(connection)
        pool = await exits.enter_async_context(open_pool(postgres_url, size=2))
        world = World(log_client, pool, postgres_url)
        world.tools = await worker_tools(
            world.store,
            FakeMachine(),
            world.storage,
            heard=silence,
            private=world.private,
            given_up=world.given_up,
            pool=pool,
            log_end=partial(head, log_client),
            now=lambda: world.now,
        )
        yield world
