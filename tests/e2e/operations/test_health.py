"""Each process answers for its health on an internal address of its own."""

from contextlib import suppress

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from tests.e2e.system import System, eventually
from tests.network.ports import free_port

PROCESSES = {
    "api": ("app",),
    "worker": ("consumers", "worker"),
    "projector": ("consumers", "projector"),
}


async def asked(system: System, name: str, path: str) -> httpx.Response | None:
    """Ask a process of *system*; None as long as it does not listen."""
    with suppress(httpx.TransportError):
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            return await http.get(f"{system.internal_urls[name]}{path}")
    return None


@pytest.mark.parametrize("name", PROCESSES)
async def test_each_process_tells_that_it_lives_and_is_ready(system: System, name: str) -> None:
    async def all_is_well() -> bool:
        answer = await asked(system, name, "/health/ready")
        return bool(answer and answer.is_success and set(answer.json().values()) == {"ok"})

    await eventually(all_is_well)
    live, other = [await asked(system, name, path) for path in ("/health/live", "/v1/runs")]
    assert live
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert other is not None
    assert other.status_code == 404


@pytest.mark.parametrize("name", PROCESSES)
async def test_a_process_that_waits_for_nats_lives_and_is_not_ready(
    system: System, name: str
) -> None:
    waiting = f"waiting-{name}"
    nowhere = f"nats://{LOOPBACK}:{free_port()}"
    port = str(free_port())
    system.start_own(waiting, *PROCESSES[name], NATS_URL=nowhere, COMFYD_PORT=port)

    async def answers() -> httpx.Response | None:
        return await asked(system, waiting, "/health/live")

    live, ready = await eventually(answers), await asked(system, waiting, "/health/ready")
    system.end(waiting)
    assert live.status_code == 200
    assert ready is not None
    assert ready.status_code == 503
    assert ready.json() == {"status": "not ready", "startup": "waiting for NATS"}
