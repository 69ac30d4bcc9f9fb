"""NATS tells on its monitoring port whether it syncs always: what operators look at by hand."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.embedded.child import start
from infra.embedded.nats_server import Sync, nats_server
from infra.embedded.ports import LOOPBACK, free_port


def told_by_nats(folder: Path, sync: Sync) -> dict[str, Any]:
    """Start our own server, and ask it as docs/operations.md says."""
    folder.mkdir()
    port = free_port()
    monitor = free_port({"client": port})
    server = nats_server(folder, folder / "log", port=port, monitor=monitor, sync=sync)
    child = start(server.prepare())
    try:
        child.wait_ready(server.ready, within=server.within)
        url = f"http://{LOOPBACK}:{monitor}/jsz?config=true"
        config: dict[str, Any] = httpx.get(url, trust_env=False).raise_for_status().json()["config"]
    finally:
        child.stop()
    return config


@pytest.mark.parametrize(("sync", "told"), [("always", True), ("10ms", None)])
def test_the_monitoring_port_says_whether_nats_syncs_always(
    tmp_path: Path, sync: Sync, told: object
) -> None:
    assert told_by_nats(tmp_path / "nats", sync).get("sync_always") is told
