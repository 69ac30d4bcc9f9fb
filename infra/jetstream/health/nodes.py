"""The servers of a cluster, each asked at its own address: who answers, and with which version."""

import asyncio
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from infra.jetstream.connection import Client

WITHIN = 2.0
PORT = 4222
_GREETING = b"INFO "


class Node(Struct, frozen=True, kw_only=True):
    """One address of a server."""

    address: str
    """Host and port."""

    configured: bool
    """Whether it stands in NATS_URL; others were named by the cluster, and may be out of reach."""

    answers: bool
    version: str = ""
    """As its greeting says; empty where it sends no greeting without TLS."""


class _Greeting(Struct):
    version: str


async def look_at_nodes(client: Client, nats_url: str) -> list[Node]:
    """Ask every server of *nats_url*, and all that the cluster names."""
    configured = _addresses(nats_url.split(","))
    known = configured | _addresses(server.geturl() for server in client.servers)
    return await asyncio.gather(
        *(_look(address, configured=address in configured) for address in sorted(known))
    )


def _addresses(urls: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for url in urls:
        parts = urlsplit(url.strip() if "//" in url else f"nats://{url.strip()}")
        if parts.hostname and parts.scheme in {"nats", "tls"}:
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            found.add(f"{host}:{parts.port or PORT}")
    return found


async def _look(address: str, *, configured: bool) -> Node:
    """Read what a server says first, before it asks who we are."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(WITHIN):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError):
        return Node(address=address, configured=configured, answers=False)
    try:
        async with asyncio.timeout(WITHIN):
            line = await reader.readline()
        greeting = msgspec.json.decode(line.removeprefix(_GREETING), type=_Greeting)
    except (OSError, TimeoutError, ValueError, msgspec.DecodeError):
        # It listens, and speaks only after a handshake of TLS.
        return Node(address=address, configured=configured, answers=True)
    finally:
        writer.close()
    return Node(address=address, configured=configured, answers=True, version=greeting.version)
