"""Names and addresses of machines that only one test uses."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.machines import TOKEN
from tests.e2e.system import System


@pytest.fixture
def name() -> str:
    return f"machine {uuid4()}"


@pytest.fixture
async def own(system: System, tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of a machine that only this test uses, and that wants a token."""
    url = system.another_machine_url()
    called = f"own-{uuid4().hex[:8]}"
    system.start_machine(called, url, tmp_path, "--token", TOKEN)
    yield url
    system.end(called)
