"""The processes that draw thumbnails."""

from contextlib import suppress

import psutil

PROGRAM = "infra.images.thumbnail_process"


def decoders(parent: int) -> set[int]:
    """Return the ids of the decoders that a process has started and that run."""
    found = set()
    for child in psutil.Process(parent).children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if PROGRAM in child.cmdline():
                found.add(child.pid)
    return found
