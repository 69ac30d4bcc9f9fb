"""Each process answers for its health on an internal address of its own."""

import httpx
import pytest

from tests.e2e.system import System


@pytest.mark.parametrize("name", ["api", "worker", "projector"])
async def test_each_process_tells_that_it_lives_and_is_ready(system: System, name: str) -> None:
    url = system.internal_urls[name]
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
        live, ready, other = [
            await http.get(path) for path in ("/health/live", "/health/ready", "/v1/runs")
        ]
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, set(ready.json().values())) == (200, {"ok"})
    assert other.status_code == 404
