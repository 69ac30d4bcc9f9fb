"""infra/deploy/nats.conf starts a NATS as it says, whatever the password looks like."""

from pathlib import Path

import pytest

from infra.embedded.child import Command, start
from infra.embedded.nats_server import ask_system, is_healthy, nats_binary
from infra.embedded.ports import LOOPBACK
from infra.jetstream.analyst import READ
from infra.jetstream.connection import connected
from infra.jetstream.streams.declared import migrate
from tests.network.ports import free_port
from tests.servers.containers import DEPLOY


@pytest.mark.parametrize("password", ["12ab", "a-b_c"])
async def test_the_deployed_nats_has_its_streams_and_its_system_account(
    tmp_path: Path, password: str
) -> None:
    port = free_port()
    monitor = free_port()
    config = (DEPLOY / "nats.conf").read_text("utf-8")
    for deployed, here in (
        ("port: 4222", f"port: {port}"),
        ("127.0.0.1:8222", f"{LOOPBACK}:{monitor}"),
        ('"/data"', f'"{tmp_path / "data"}"'),
    ):
        assert config.count(deployed) == 1
        config = config.replace(deployed, here)
    file = tmp_path / "nats.conf"
    file.write_text(config, "utf-8")
    # As compose.yaml gives them.
    env = {"NATS_PASSWORD": f'"{password}"', "NATS_ANALYST_PASSWORD": '"1e5"'}
    argv = (str(nats_binary()), "-c", str(file))
    child = start(
        Command(name="NATS", argv=argv, folder=tmp_path, log=tmp_path / "nats.log", env=env)
    )
    try:
        child.wait_ready(lambda: is_healthy(port, password), within=20)
        async with connected(f"nats://comfyd:{password}@{LOOPBACK}:{port}", name="test") as client:
            assert {report.did for report in await migrate(client)} == {"created"}
        async with connected(f"nats://analyst:1e5@{LOOPBACK}:{port}", name="test") as analyst:
            answer = await analyst.request(READ, b'{"seq": 1}', timeout=5)
            assert (answer.headers or {})["Status"] == "404"  # there is no event yet
        assert ask_system(port, password, "JSZ")["config"]["sync_always"] is True
        assert not is_healthy(port, "x")
    finally:
        child.stop()
