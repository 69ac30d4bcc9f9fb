"""Ports of loopback that stay the same from one start to the next."""

import random
import socket
from collections.abc import Iterable
from pathlib import Path

import msgspec

LOOPBACK = "127.0.0.1"

PAIR = 10_000
"""Every port comes with a second one this far above it (SeaweedFS puts gRPC there)."""

# Below the ports that systems lend to outgoing connections (Linux: 32768 and up). There, another's
# client could sit on our port while we restart, or a client of ours could connect to itself.
_CANDIDATES = range(10_000, 20_000)


def remembered_ports(file: Path, names: Iterable[str]) -> dict[str, int]:
    """Return for each name the port it had in *file*, or a new free one, and remember them.

    Call it only while none of the servers runs: a port in use counts as another program's.
    """
    known = _read(file)
    ports: dict[str, int] = {}
    for name in names:
        port = known.get(name)
        free = port is not None and port not in ports.values() and _is_free(port)
        ports[name] = port if port is not None and free else free_port(known | ports)
    _write(file, known | ports)
    return ports


def _read(file: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def free_port(taken: dict[str, int] | None = None) -> int:
    """Find a port that is free, as is its pair, and that is not among the values of *taken*."""
    reserved = set((taken or {}).values())
    while True:
        port = random.choice(_CANDIDATES)  # noqa: S311 -- a port is no secret
        if port not in reserved and _is_free(port):
            return port


def _is_free(port: int) -> bool:
    return all(_can_bind(number) for number in (port, port + PAIR))


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do; without it, connections that just ended would block the port for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _write(file: Path, ports: dict[str, int]) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(ports)))
    fresh.replace(file)
