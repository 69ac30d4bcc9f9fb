"""NATS tells its system account whether it syncs always: what operators look at by hand."""

from pathlib import Path

import msgspec
import nats
import pytest

from infra.embedded.child import start
from infra.embedded.nats_server import Sync, nats_server
from infra.embedded.ports import LOOPBACK
from tests.network.ports import free_port


@pytest.mark.parametrize(("sync", "told"), [("always", True), ("10ms", None)])
async def test_the_system_account_hears_whether_nats_syncs_always(
    tmp_path: Path, sync: Sync, told: object
) -> None:
    folder = tmp_path / "nats"
    folder.mkdir()
    port = free_port()
    server = nats_server(folder, folder / "log", port=port, sync=sync)
    child = start(server.prepare())
    try:
        child.wait_ready(server.ready, within=server.within)
        password = (folder / "system-password").read_text("ascii")
        # As docs/operations.md says.
        async with await nats.connect(f"nats://system:{password}@{LOOPBACK}:{port}") as client:
            answer = await client.request("$SYS.REQ.SERVER.PING.JSZ", b'{"config": true}')
    finally:
        child.stop()
    config = msgspec.json.decode(answer.data)["data"]["config"]
    assert config.get("sync_always") is told
