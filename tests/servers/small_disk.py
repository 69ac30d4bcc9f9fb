"""A disk so small that a test can fill it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """Mount an empty disk in *folder*; skip the test where that is not allowed."""
    folder.mkdir()
    argv = ("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    if sys.platform != "linux" or subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: only root may mount a small disk to fill")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no byte free."""
    file = disk / "fill"
    with file.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                continue
    try:
        yield
    finally:
        file.unlink()
