"""Every server of the log is asked at its own address, also one that speaks only after TLS."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from infra.embedded.ports import LOOPBACK
from infra.jetstream.connection import Client
from infra.jetstream.health import nodes
from infra.jetstream.health.nodes import Node, look_at_nodes
from tests.network.ports import free_port


@asynccontextmanager
async def listener(greeting: bytes) -> AsyncIterator[str]:
    """Listen and say *greeting* to everybody; yield the address."""
    greeted: list[asyncio.StreamWriter] = []

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(writer)
        writer.write(greeting)
        await writer.drain()

    server = await asyncio.start_server(greet, LOOPBACK, 0)
    async with server:
        yield f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    for writer in greeted:
        writer.close()
        await writer.wait_closed()


async def test_each_address_says_its_version_nothing_or_is_away(
    nats_client: Client, server_env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "WITHIN", 0.3)
    known = server_env["NATS_URL"]
    away = f"{LOOPBACK}:{free_port()}"
    async with listener(b'INFO {"version":"2.14.7"} \r\n') as old, listener(b"") as silent:
        urls = f"{known},nats://user:secret@{old},tls://{silent},{away}"
        found = {node.address: node for node in await look_at_nodes(nats_client, urls)}
    here = known.rpartition("@")[2].removeprefix("nats://")
    server = nats_client.connected_server_version
    version = f"{server.major}.{server.minor}.{server.patch}"
    assert found == {
        here: Node(address=here, configured=True, answers=True, version=version),
        old: Node(address=old, configured=True, answers=True, version="2.14.7"),
        silent: Node(address=silent, configured=True, answers=True),
        away: Node(address=away, configured=True, answers=False),
    }
