"""Stored graphs, kept in memory once read: their address is their content, so they never change."""

from collections import OrderedDict

from infra.s3.port import ObjectStorage

KEPT = 128


class Graphs:
    """Graphs by object key."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def get(self, key: str) -> bytes:
        """Give a graph's JSON.

        Raises:
            ObjectMissing: there is none.
            StorageUnavailable: later might work.

        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        data = await self._storage.get_bytes(key)
        self._kept[key] = data
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return data
