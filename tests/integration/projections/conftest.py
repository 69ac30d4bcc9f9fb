"""A Postgres with empty tables."""

from collections.abc import AsyncIterator

import pytest

from infra.postgres import Connection, connect
from projections.schema import create_tables


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[Connection]:
    """Return a connection to tables."""
    async with connect(postgres_url) as opened:
        await create_tables(opened)
        yield opened
