"""The disk of an embedded stack, the only one that a process of comfyd can see."""

import shutil
from pathlib import Path

from msgspec import Struct

LITTLE = 1_000_000_000
"""Bytes; `comfyd up` does not start with less than half of it."""

LITTLE_SHARE = 0.1
"""Of a disk that is small."""


class Disk(Struct, frozen=True, kw_only=True):
    """A disk, in bytes."""

    free: int
    total: int

    @property
    def low(self) -> bool:
        """Whether it will be full before long."""
        return self.free < min(LITTLE, LITTLE_SHARE * self.total)


def look_at_disk(data: str) -> Disk | None:
    """Look where `comfyd up` keeps the data of its servers; None where it does not."""
    folder = Path(data)
    if not (folder / "nats").is_dir():
        return None
    usage = shutil.disk_usage(folder)
    return Disk(free=usage.free, total=usage.total)
