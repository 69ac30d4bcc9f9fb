"""NATS on a full disk: the probe of a write sees it, and what it needs to write again."""

from pathlib import Path

from events import subjects
from infra.embedded.child import start
from infra.embedded.data_folder import has_room
from infra.embedded.nats_server import nats_server
from infra.jetstream.calls import api
from infra.jetstream.connection import connected
from infra.jetstream.health.log import LogCheck
from infra.jetstream.streams.declared import migrate
from tests.network.ports import free_port
from tests.servers.small_disk import filled, small_disk


async def test_a_full_disk_is_seen_and_stays_so_until_a_restart(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=30) as disk:
        folder = disk / "nats"
        folder.mkdir()
        server = nats_server(folder, tmp_path / "log", port=free_port())
        child = start(server.prepare())
        try:
            child.wait_ready(server.ready, within=server.within)
            async with connected(server.env["NATS_URL"], name="test") as client:
                await migrate(client)
                check = LogCheck(client)
                assert await check.can_write()
                assert server.fault() is None
                with filled(disk):
                    assert not await check.can_write()
                    assert "no space left on device" in (server.fault() or "")
                    assert not has_room(disk)
                    # Whoever only asks is told that all is well.
                    assert await api(client, f"STREAM.INFO.{subjects.LOG}", {}, within=2)
                assert has_room(disk)
                assert not await check.can_write()
            child.stop()
            child = start(server.prepare())
            child.wait_ready(server.ready, within=server.within)
            async with connected(server.env["NATS_URL"], name="test") as client:
                assert await LogCheck(client).can_write()
                assert server.fault() is None
        finally:
            child.stop()


async def test_the_probe_does_not_grow(tmp_path: Path) -> None:
    server = nats_server(tmp_path, tmp_path / "log", port=free_port(), sync="10ms")
    child = start(server.prepare())
    try:
        child.wait_ready(server.ready, within=server.within)
        async with connected(server.env["NATS_URL"], name="test") as client:
            await migrate(client)
            check = LogCheck(client)
            for _ in range(2000):
                assert await check.can_write()
            state = (await api(client, f"STREAM.INFO.{subjects.PROBE}", {}, within=2))["state"]
            assert state["messages"] == 1
    finally:
        child.stop()
    stored = sum(file.stat().st_size for file in (tmp_path / "data").rglob("PROBE/msgs/*"))
    assert 8192 <= stored < 8_000_000, "of the 16 MB that were written"
