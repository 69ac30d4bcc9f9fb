"""LRU cache of stored graphs: a graph's key is its content, so a cached one never changes."""

from cachetools import LRUCache

from infra.s3.port import ObjectStorage

KEPT = 128


class Graphs:
    """Graphs by object key."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage
        self._kept: LRUCache[str, bytes] = LRUCache(KEPT)

    async def get(self, key: str) -> bytes:
        """Return a graph's JSON.

        Raises:
            ObjectMissing: no graph has this key.
            StorageUnavailable: a later attempt may work.

        """
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = await self._storage.get_bytes(key)
        return kept
