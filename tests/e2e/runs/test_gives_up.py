"""A process whose connection to NATS is lost for good ends itself; a new one could work."""

from urllib.parse import urlsplit

import httpx
import pytest

from app.cli.local.supervisor import EXIT_CANNOT_START
from infra.telemetry.watchdog import EXIT_CODE
from tests.e2e.system import System, eventually
from tests.network.lossy_proxy import lossy_proxy

REFUSED = b"-ERR 'Authorization Violation'\r\n"
"""What a server says to a client whose user it no longer has; nats-py then closes for ever."""


@pytest.mark.parametrize(
    "arguments", [(), ("worker",), ("projector",)], ids=["api", "worker", "projector"]
)
async def test_a_process_whose_connection_was_closed_for_good_ends_itself_with_a_reason(
    system: System, arguments: tuple[str, ...]
) -> None:
    nats = urlsplit(system.env["NATS_URL"])
    assert nats.hostname
    assert nats.port
    name = "-".join(("doomed", *arguments))
    async with lossy_proxy(nats.hostname, nats.port) as (proxy, port):
        url = nats._replace(netloc=nats.netloc.replace(str(nats.port), str(port))).geturl()
        public = system.another_machine_url().rsplit(":", 1)[1]
        module = "tests.e2e.impatient_process"
        system.start_own(name, module, *arguments, NATS_URL=url, COMFYD_PORT=public)

        async def ready() -> bool:
            try:
                async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
                    url = f"{system.internal_urls[name]}/health/ready"
                    return (await http.get(url)).is_success
            except httpx.TransportError:
                return False

        await eventually(ready, within=30)
        proxy.say(REFUSED)

        async def ended() -> int | None:
            return system.exit_code(name)

        assert await eventually(ended) == EXIT_CODE != EXIT_CANNOT_START
    assert system.log_of(name).count('"process.gave_up"') == 1
    assert "process.died" not in system.log_of(name)
    system.end(name)
