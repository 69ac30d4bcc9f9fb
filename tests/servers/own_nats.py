"""A NATS server of a test's own, on loopback, which can be stopped, restarted and set up oddly."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.embedded.child import Child, Command, start
from infra.embedded.nats_server import nats_binary
from tests.network.ports import free_port
from tests.servers.nats_monitor import is_healthy

_CONFIG = """\
listen: 127.0.0.1:{port}
http: 127.0.0.1:{monitor}
jetstream {{ store_dir: "data" }}
{more}
"""


class OwnNats:
    """One server; its data outlives a restart."""

    def __init__(self, folder: Path, more: str) -> None:
        self._port = free_port()
        self._monitor = free_port()
        config = _CONFIG.format(port=self._port, monitor=self._monitor, more=more)
        folder.mkdir()
        file = folder / "nats.conf"
        file.write_text(config, encoding="utf-8")
        argv = (str(nats_binary()), "-c", str(file))
        self._command = Command(name="NATS", argv=argv, folder=folder, log=folder / "nats.log")
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it serves."""
        self._child = start(self._command)
        self._child.wait_ready(lambda: is_healthy(self._monitor), within=20)

    def stop(self) -> None:
        """Stop it."""
        if self._child is not None:
            self._child.stop()


@contextmanager
def own_nats(folder: Path, *, more: str = "") -> Iterator[OwnNats]:
    """Run a server for as long as the context lasts; *more* is added to its configuration."""
    server = OwnNats(folder, more)
    try:
        server.start()
        yield server
    finally:
        server.stop()
