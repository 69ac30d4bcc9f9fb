"""The internal listener: what a process says of itself, on an address of its own."""

import socket
from collections.abc import Mapping

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from infra.net.listening import CannotListen
from infra.telemetry.exposition import Exposition
from infra.telemetry.internal_server import Health, internal_server, listen_internally
from tests.network.ports import free_port


async def told(path: str, health: Health) -> tuple[int, Mapping[str, str]]:
    """Ask a process that is so for *path*."""
    port = free_port()

    async def probe() -> Health:
        return health

    async with (
        internal_server(
            listen_internally(LOOPBACK, port),
            live=probe,
            ready=probe,
            scrape=Exposition("api").scrape,
        ),
        httpx.AsyncClient(trust_env=False) as http,
    ):
        answer = await http.get(f"http://{LOOPBACK}:{port}{path}")
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("path", "otherwise"), [("/health/live", "not live"), ("/health/ready", "not ready")]
)
async def test_a_probe_is_told_the_state_and_its_reasons(path: str, otherwise: str) -> None:
    well = Health(ok=True, parts={"nats": "ok"})
    assert await told(path, well) == (200, {"status": "ok", "nats": "ok"})
    ill = Health(ok=False, parts={"nats": "away"})
    assert await told(path, ill) == (503, {"status": otherwise, "nats": "away"})


def test_without_a_port_nothing_listens() -> None:
    assert listen_internally(LOOPBACK, 0) == []


def test_a_port_that_is_taken_is_told_by_the_name_of_its_own_setting() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            listen_internally(LOOPBACK, port)
    assert refused.value.text().startswith(f"COMFYD_INTERNAL_PORT: port {port} of {LOOPBACK}")
    assert refused.value.text("zh").startswith(f"COMFYD_INTERNAL_PORT：{LOOPBACK} 的端口 {port} ")


def test_an_address_of_another_computer_is_told_by_the_name_of_its_own_setting() -> None:
    with pytest.raises(CannotListen, match=r"^COMFYD_INTERNAL_HOST: this computer does not"):
        listen_internally("203.0.113.1", free_port())
