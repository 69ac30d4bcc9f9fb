"""A tenant for whom nothing happens but what a test does."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of


@pytest.fixture
async def eve(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant of this test's own: nothing else happens to it."""
    async with client_of(system, f"eve-{uuid4().hex[:8]}") as http:
        yield Tenant(http, system.machine_url)
