"""A backup on disk, as the vendor's `nats` tool writes and reads it: a folder for each stream.

RUNS/stream.tar.s2 is what the server sent, RUNS/backup.json the configuration and state of the
stream. Ours has a third file, manifest.json, with the SHA-256 of the first; in the same folder,
since the vendor's tool takes everything beside the folders for one of a stream.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec
from msgspec import Struct

from infra.jetstream.backup.errors import BackupError

DATA = "stream.tar.s2"
META = "backup.json"
MANIFEST = "manifest.json"
BLOCK = 1024 * 1024

T = TypeVar("T")


class State(Struct, frozen=True, kw_only=True):
    """How full a stream is."""

    messages: int
    first_seq: int
    last_seq: int


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup of a stream holds."""

    stream: str
    comfyd: str
    """Version that made it."""

    made_at: datetime
    bytes: int
    sha256: str
    messages: int
    first_seq: int
    last_seq: int


class StreamBackup(Struct, frozen=True, kw_only=True):
    """The backup of one stream."""

    folder: Path
    config: dict[str, Any]
    state: dict[str, Any]

    @property
    def data(self) -> Path:
        """The file with what the server sent."""
        return self.folder / DATA

    @property
    def expected(self) -> State:
        """What must be there once it is restored."""
        return msgspec.convert(self.state, State)


class BackupWriter:
    """Writes the backup of one stream; a folder without the last file is no backup."""

    def __init__(self, root: Path, stream: str) -> None:
        self._folder = root / stream
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._file: BinaryIO | None = None

    def write(self, chunk: bytes) -> None:
        """Take what the server has sent.

        Raises:
            OSError: it cannot be stored.

        """
        if self._file is None:
            # The texts of all tenants are in it.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = (self._folder / DATA).open("xb")
        self._file.write(chunk)
        self._hash.update(chunk)
        self._bytes += len(chunk)

    def finish(
        self, config: dict[str, Any], state: dict[str, Any], *, version: str, now: datetime
    ) -> Manifest:
        """Write down what it is.

        Raises:
            OSError: it cannot be stored.

        """
        self._close()
        kept = msgspec.convert(state, State)
        manifest = Manifest(
            stream=config["name"],
            comfyd=version,
            made_at=now,
            bytes=self._bytes,
            sha256=self._hash.hexdigest(),
            messages=kept.messages,
            first_seq=kept.first_seq,
            last_seq=kept.last_seq,
        )
        self._put(MANIFEST, manifest)
        self._put(META, {"config": config, "state": state})
        return manifest

    def abandon(self) -> None:
        """Take away what was written."""
        if self._file is None:
            return  # Whatever is there, it is not ours.
        self._close()
        for name in (DATA, META, MANIFEST):
            (self._folder / name).unlink(missing_ok=True)
        self._folder.rmdir()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _put(self, name: str, content: object) -> None:
        text = msgspec.json.format(msgspec.json.encode(content), indent=2)
        (self._folder / name).write_bytes(text + b"\n")


def check_free(root: Path, streams: tuple[str, ...]) -> None:
    """Return if *root* holds no backup of these streams, not even a part of one.

    Raises:
        BackupError: it does.

    """
    for stream in streams:
        if any((root / stream / name).exists() for name in (DATA, META, MANIFEST)):
            raise BackupError("folder_taken", folder=root)


def open_backup(root: Path, stream: str) -> StreamBackup:
    """Read what the backup of a stream is, also one of another tool.

    Raises:
        BackupError: it is not there, not whole, or of another stream.

    """
    folder = root / stream
    for name in (DATA, META):
        if not (folder / name).is_file():
            raise BackupError("no_backup", folder=root, stream=stream, missing=folder / name)
    meta = _read(folder / META, msgspec.json.Decoder(dict[str, Any]).decode)
    try:
        backup = StreamBackup(folder=folder, config=meta["config"], state=meta["state"])
        found, _ = backup.config["name"], backup.expected
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise BackupError("unreadable", file=folder / META, reason=error) from error
    if found != stream:
        raise BackupError("other_stream", file=folder / META, found=found, stream=stream)
    return backup


def check_unchanged(backup: StreamBackup) -> None:
    """Return if the data are what was written; a backup of the vendor's tool does not say.

    Raises:
        BackupError: they are not.

    """
    file = backup.folder / MANIFEST
    if not file.exists():
        return
    manifest = _read(file, msgspec.json.Decoder(Manifest).decode)
    digest = hashlib.sha256()
    with backup.data.open("rb") as data:
        while block := data.read(BLOCK):
            digest.update(block)
    if digest.hexdigest() != manifest.sha256:
        raise BackupError("damaged", file=backup.data)


def _read(file: Path, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError("unreadable", file=file, reason=error) from error
