"""The data folder: private, held by one comfyd at a time, and never on a full disk."""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from infra.embedded.errors import DataFolderInUse, DataFolderUnusable, DiskFull

MB = 1_000_000
LEAST_FREE = 500 * MB
"""Bytes that must be free on the disk at the start."""

ROOM = 16 * MB
"""Bytes that must fit on a disk that was full before servers go on; less is full again at once."""

ORPHAN_PATIENCE = 10.0
"""Seconds that the servers of a killed comfyd get to stop; they need two or three."""


class DataFolder(Struct, frozen=True, kw_only=True):
    """A folder that we hold."""

    root: Path
    lock: int
    """File descriptor of the lock.

    Servers inherit it, so the folder stays in use as long as one of them lives, even when
    comfyd itself was killed.
    """


@contextmanager
def data_folder(root: Path, *, least_free: int = LEAST_FREE) -> Iterator[DataFolder]:
    """Create the folder if need be and hold it.

    Raises:
        DataFolderInUse: another comfyd has it, or its servers have not stopped.
        DataFolderUnusable: we may not create it or write into it, or something in it is not
            what it should be, also when that shows in the body of the `with`.
        DiskFull: fewer than *least_free* bytes are free.

    """
    root = root.absolute()
    lock = _open_lock(root)
    try:
        _acquire(lock, root)
        _check_disk(root, least_free)
        yield DataFolder(root=root, lock=lock)
    except OSError as error:
        if not str(error.filename or "").startswith(str(root)):
            raise
        raise _unusable(str(error.filename), error) from error
    finally:
        os.close(lock)


def _open_lock(root: Path) -> int:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(str(root), error) from error


def _unusable(path: str, error: OSError) -> DataFolderUnusable:
    reason = error.strerror or str(error)
    return DataFolderUnusable("folder_unusable", folder=path, reason=reason)


def _acquire(lock: int, root: Path) -> None:
    deadline = time.monotonic() + ORPHAN_PATIENCE
    while not _try_lock(lock):
        holder = os.pread(lock, 32, 0).decode().strip()
        if _is_alive(holder):
            raise DataFolderInUse("folder_in_use", folder=str(root), pid=holder)
        if time.monotonic() > deadline:
            raise DataFolderInUse("folder_orphans", folder=str(root), pid=holder)
        time.sleep(0.05)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: str) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        os.kill(int(pid), 0)
        state = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(") ")[2][:1]
    except FileNotFoundError:
        return True  # a system without /proc
    except PermissionError:
        return True  # another user's process
    except (ValueError, ProcessLookupError):
        return False
    return state != "Z"


def _check_disk(root: Path, least: int) -> None:
    free = shutil.disk_usage(root).free
    if free < least:
        raise DiskFull(
            "disk_full", folder=str(root), free=str(free // MB), least=str(-(-least // MB))
        )


def has_room(root: Path, *, size: int = ROOM) -> bool:
    """Whether *size* bytes can be stored. They are: a quota does not show in the free space."""
    try:
        with tempfile.TemporaryFile(dir=root) as file:
            file.write(bytes(size))
            file.flush()
    except OSError:
        return False
    return True


def remembered_secret(file: Path) -> str:
    """Read the secret in *file*; the first time, make one that only we can read."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_name(file.name + ".new")
        write_private(fresh, secrets.token_urlsafe(32))
        fresh.replace(file)
    return file.read_text("ascii")


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, from the first byte on."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
