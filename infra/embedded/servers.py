"""Start the servers that are not provided otherwise, side by side, and stop them again."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from infra.embedded.child import Child, start
from infra.embedded.data_folder import DataFolder, has_room
from infra.embedded.nats_server import Sync, nats_server
from infra.embedded.ports import remembered_ports
from infra.embedded.postgres_account import postgres_account
from infra.embedded.postgres_server import postgres_binaries, postgres_server
from infra.embedded.s3_server import COMPONENTS, s3_server
from infra.embedded.server import Server


class Servers:
    """The running servers, by name: nats, s3, postgres."""

    def __init__(self, servers: Mapping[str, Server], lock: int, root: Path = Path()) -> None:
        self._servers = dict(servers)
        self._lock = lock
        self._root = root
        self.children: dict[str, Child] = {}

    @property
    def names(self) -> list[str]:
        """Those we run, in the order of their start."""
        return list(self._servers)

    @property
    def env(self) -> dict[str, str]:
        """The settings that lead to all of them."""
        return {k: v for server in self._servers.values() for k, v in server.env.items()}

    def dead(self) -> list[str]:
        """Name those that are no longer running."""
        return [name for name, child in self.children.items() if child.exit_code is not None]

    def fault(self, name: str) -> str | None:
        """Return what keeps a running one from its work; None if nothing. From any thread.

        Raises:
            OSError: it does not answer.

        """
        return self._servers[name].fault()

    def have_room(self) -> bool:
        """Whether they can store something. From any thread."""
        return has_room(self._root)

    def launch(self, name: str) -> None:
        """Start one that is not running, with the ports and the data it had. Main thread only.

        Raises:
            ServerFailed: it is not installed, or cannot make its data.

        """
        command = self._servers[name].prepare()
        self.children[name] = start(command, keep_open=(self._lock,))

    def wait_ready(self, name: str) -> None:
        """Wait until one does its work; from any thread.

        Raises:
            ServerFailed: it died or took too long.

        """
        server = self._servers[name]
        self.children[name].wait_ready(server.ready, within=server.within)

    def stop(self) -> None:
        """Stop all, the last one started first; over in the longest of their `stop_within`."""
        began = time.monotonic()
        backwards = list(reversed(self.children.values()))
        for child in backwards:
            child.ask_to_stop()
        for child in backwards:
            child.wait_or_kill(within=began + child.command.stop_within - time.monotonic())


def start_all(folder: DataFolder, *, given: Mapping[str, str], sync: Sync = "always") -> Servers:
    """Start every server that *given* (the environment) has no URL for, and wait for them.

    Call it from the main thread: the servers end with the thread that started them.

    Raises:
        ServerFailed: one is not installed, died or took too long; all are stopped again.

    """
    servers = Servers(_wanted(folder.root, given, sync), folder.lock, folder.root)
    with ExitStack() as undo:
        undo.callback(servers.stop)
        for name in servers.names:
            servers.launch(name)
        for name in servers.names:
            servers.wait_ready(name)
        undo.pop_all()
    return servers


def _wanted(root: Path, given: Mapping[str, str], sync: Sync) -> dict[str, Server]:
    logs = root / "logs"
    names = ("nats", "postgres", *(f"s3-{c}" for c in COMPONENTS))
    ports = remembered_ports(root / "ports.json", names)

    def nats() -> Server:
        return nats_server(root / "nats", logs / "nats.log", port=ports["nats"], sync=sync)

    def s3() -> Server:
        return s3_server(
            root / "s3", logs / "s3.log", ports={c: ports[f"s3-{c}"] for c in COMPONENTS}
        )

    def postgres() -> Server:
        binaries = postgres_binaries()
        account = postgres_account(root, binaries)
        return postgres_server(
            root / "postgres",
            logs / "postgres.log",
            port=ports["postgres"],
            binaries=binaries,
            account=account,
        )

    # Postgres last: the first time, it takes a second to make its data, and the others use it.
    recipes: dict[str, tuple[str, Callable[[], Server]]] = {
        "nats": ("NATS_URL", nats),
        "s3": ("SPACES_ENDPOINT", s3),
        "postgres": ("POSTGRES_URL", postgres),
    }
    return {name: make() for name, (url, make) in recipes.items() if not given.get(url)}
