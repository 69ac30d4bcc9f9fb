"""Graphs in object storage: stored under their content, read as they were stored."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from events.errors import MachineUnobserved, NotFound
from events.machine.state import Machine
from infra.offload import SMALL, in_thread, in_thread_if
from infra.s3.keys import graph_key
from infra.s3.port import ObjectMissing, ObjectStorage

_canonical = msgspec.json.Encoder(order="deterministic").encode
_decode_graph = msgspec.json.Decoder(dict[str, Any]).decode


class StoredGraph(Struct, frozen=True, kw_only=True):
    """Where a graph is stored, and the hash that it is known by."""

    key: str
    sha256: str


class Graphs:
    """Repository of graphs, and of what machines said of their classes of nodes."""

    def __init__(self, storage: ObjectStorage, *, secret: bytes) -> None:
        """Store under keys that cannot be guessed without *secret*."""
        self._storage = storage
        self._secret = secret

    async def store(self, tenant: str, graph: Mapping[str, Any]) -> StoredGraph:
        """Store a graph under its content.

        Raises:
            StorageUnavailable, StorageRefused: it is not stored.

        """
        body, sha256 = await in_thread(_encoded, graph)
        key = graph_key(tenant, sha256, secret=self._secret)
        await self._storage.put_bytes(key, body, "application/json")
        return StoredGraph(key=key, sha256=sha256)

    async def read(self, key: str) -> dict[str, Any]:
        """Read a stored graph.

        Raises:
            NotFound: it is gone.
            StorageUnavailable, StorageRefused: it cannot be read.

        """
        body = await self.read_json(key)
        return await in_thread_if(len(body) > SMALL, _decode_graph, body)

    async def read_json(self, key: str) -> bytes:
        """Read a stored graph in JSON, not decoded; raises as `read`."""
        try:
            return await self._storage.get_bytes(key)
        except ObjectMissing as error:
            raise NotFound("the graph of this version is gone from object storage") from error

    async def object_info(self, machine: Machine) -> bytes:
        """Read what a machine last said of its classes of nodes, in JSON.

        Raises:
            MachineUnobserved: it was never observed, or the observation is lost.

        """
        if machine.snapshot is None:
            raise MachineUnobserved
        try:
            return await self._storage.get_bytes(machine.snapshot.object_info_key)
        except ObjectMissing as error:
            raise MachineUnobserved from error


def _encoded(graph: Mapping[str, Any]) -> tuple[bytes, str]:
    body = _canonical(graph)
    return body, hashlib.sha256(body).hexdigest()
