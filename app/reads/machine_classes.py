"""Which classes of nodes machines have, as they were last found; no machine is asked."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from cachetools import LRUCache

from app.reads.graphs import Graphs
from events.aggregates import MACHINE
from events.errors import MachineUnobserved
from events.machine.state import Machine
from infra.event_store import EventStore, load
from infra.offload import in_thread

REMEMBERED = 32
"""Observations whose names are kept; machines that say the same share one."""

_decode_described = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class MachineClasses:
    """Queries for the names of the classes that machines have."""

    def __init__(self, store: EventStore, graphs: Graphs) -> None:
        self._store = store
        self._graphs = graphs
        self._known: LRUCache[str, frozenset[str]] = LRUCache(REMEMBERED)

    async def machine(self, machine_id: UUID) -> Machine:
        """Return the machine that a run will be on, of any tenant.

        Raises:
            LogUnavailable: the log does not answer.

        """
        return (await load(self._store, MACHINE, machine_id)).existing

    async def of(self, machine: Machine) -> frozenset[str] | None:
        """Return the names of the classes of a machine; None: it was never observed.

        Raises:
            StorageUnavailable, StorageRefused: later might work.

        """
        if machine.snapshot is None:
            return None
        sha256 = machine.snapshot.object_info_sha256
        if sha256 not in self._known:
            try:
                described = await self._graphs.object_info(machine)
            except MachineUnobserved:
                return None
            self._known[sha256] = await in_thread(_names, described)
        return self._known[sha256]


def _names(described: bytes) -> frozenset[str]:
    found: Mapping[str, msgspec.Raw] = _decode_described(described)
    return frozenset(found)
