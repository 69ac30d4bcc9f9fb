"""The private data of runs in memory, and the keys that were given up."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from events.graph.externals.values import StoredValue
from tests.builders.facts import NOW


class FakePrivateData:
    """What PrivateData keeps, in dicts."""

    def __init__(self) -> None:
        self.inputs: dict[tuple[UUID, str], Mapping[str, StoredValue]] = {}
        self.texts: dict[tuple[UUID, int], Mapping[int, str]] = {}

    async def put_inputs(
        self, run_id: UUID, request_hash: str, values: Mapping[str, StoredValue]
    ) -> None:
        """Keep the inputs of a run."""
        self.inputs.setdefault((run_id, request_hash), values)

    async def get_inputs(self, run_id: UUID, request_hash: str) -> dict[str, StoredValue] | None:
        """Return the inputs of a run."""
        found = self.inputs.get((run_id, request_hash))
        return None if found is None else dict(found)

    async def put_texts(self, run_id: UUID, attempt: int, texts: Mapping[int, str]) -> None:
        """Keep the texts that an attempt produced."""
        self.texts.setdefault((run_id, attempt), texts)

    async def get_texts(self, run_id: UUID, attempt: int) -> dict[int, str]:
        """Return the texts that an attempt produced."""
        return dict(self.texts.get((run_id, attempt), {}))

    async def erase(self, run_id: UUID) -> None:
        """Delete all that is kept of a run."""
        self.inputs = {key: kept for key, kept in self.inputs.items() if key[0] != run_id}
        self.texts = {key: kept for key, kept in self.texts.items() if key[0] != run_id}

    async def erase_inputs(self, run_id: UUID) -> None:
        """Delete the inputs of a run."""
        self.inputs = {key: kept for key, kept in self.inputs.items() if key[0] != run_id}


class FakeTombstones:
    """Tombstones in a dict."""

    def __init__(self) -> None:
        self.keys: dict[str, datetime] = {}

    async def give_up(self, key: str) -> datetime:
        """Delete *key* for ever."""
        return self.keys.setdefault(key, NOW)

    async def contains(self, key: str) -> bool:
        """Whether *key* was given up."""
        return key in self.keys
