"""A NATS as `comfyd up` starts it, with the address of comfyd and that of the analyst."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from infra.embedded.child import start
from infra.embedded.nats_server import analyst_password, nats_server
from infra.embedded.ports import LOOPBACK
from infra.jetstream.analyst import USER
from tests.network.ports import free_port


class Urls(Struct, frozen=True):
    """Who gets in where."""

    comfyd: str
    analyst: str


@contextmanager
def analyst_nats(folder: Path) -> Iterator[Urls]:
    """Run the server for as long as the context lasts."""
    port = free_port()
    server = nats_server(folder, folder / "nats.log", port=port)
    child = start(server.prepare())
    try:
        child.wait_ready(server.ready, within=20)
        analyst = f"nats://{USER}:{analyst_password(folder)}@{LOOPBACK}:{port}"
        yield Urls(server.env["NATS_URL"], analyst)
    finally:
        child.stop()
