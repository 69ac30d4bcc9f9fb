"""Backs up what cannot be made anew, the log and the private data beside it, and restores both.

In this order: the log first, then the data, so that every run of the backup has its inputs in it.
Back the other way round: no worker sees a run before its inputs are there.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

from events import subjects
from infra import clock
from infra.jetstream.backup.errors import BackupError
from infra.jetstream.backup.folder import (
    BackupWriter,
    Manifest,
    State,
    check_free,
    check_unchanged,
    open_backup,
)
from infra.jetstream.backup.replica_check import is_clustered, wait_for_replicas
from infra.jetstream.backup.snapshots import delete_stream, restore_snapshot, take_snapshot
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import NO_STREAM
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.health.workers import worker_listens
from infra.jetstream.streams.declared import declarations

KEPT = (subjects.LOG, subjects.INPUTS)
"""Streams that are backed up; the others follow from them, or may be forgotten."""

IN_A_CLUSTER = 3
"""Replicas where no number was asked for."""

SCRATCH = "RESTORE-PLACE"
"""A stream that is made to see whether it can be, and deleted at once."""

WITHIN = 10.0
"""Seconds NATS may take for one answer."""

ProgressCallback = Callable[[str, int], None]
"""Called with the name of a stream and so many bytes of it more."""


async def back_up(client: Client, folder: Path, on_progress: ProgressCallback) -> list[Manifest]:
    """Write a backup of each stream into *folder*, while everything goes on.

    Raises:
        BackupError: the message says why; what was written of the stream is gone.

    """
    check_free(folder, KEPT)
    return [await _back_up_one(client, folder, stream, on_progress) for stream in KEPT]


async def _back_up_one(
    client: Client, folder: Path, stream: str, on_progress: ProgressCallback
) -> Manifest:
    writer = BackupWriter(folder, stream)

    def take(chunk: bytes) -> None:
        writer.write(chunk)
        on_progress(stream, len(chunk))

    try:
        config, state = await take_snapshot(client, stream, take)
        return writer.finish(config, state, version=version("comfyd"), now=clock.now())
    except OSError as error:
        writer.abandon()
        raise BackupError("unwritable", folder=folder, reason=error.strerror) from error
    except BaseException:
        writer.abandon()
        raise


async def restore(
    client: Client, folder: Path, on_progress: ProgressCallback, *, replicas: int, replace: bool
) -> dict[str, State]:
    """Make the streams anew from a backup; return how full they are.

    With 0 *replicas* there are as many as the servers are for. With *replace* what is there is
    deleted first.

    Raises:
        BackupError: the message says why. Nothing was restored, unless replicas are behind.

    """
    backups = {stream: open_backup(folder, stream) for stream in KEPT}
    for backup in backups.values():
        check_unchanged(backup)
    try:
        number = replicas or (IN_A_CLUSTER if await is_clustered(client, within=WITHIN) else 1)
        await _check_place(client, number)
        await _make_room(client, replace=replace)
    except (ApiError, Unanswered) as error:
        raise BackupError("away", reason=str(error) or repr(error)) from error
    declared = {declared["name"]: declared for declared in declarations(number)}
    restored: dict[str, State] = {}
    try:
        for stream in reversed(KEPT):
            config = {**backups[stream].config, **declared[stream]}
            on_bytes = partial(on_progress, stream)
            restored[stream] = await restore_snapshot(client, backups[stream], config, on_bytes)
    except BackupError:
        for stream in restored:
            await delete_stream(client, stream)
        raise
    await _wait_for_replicas(client, restored)
    return restored


async def _wait_for_replicas(client: Client, restored: Mapping[str, State]) -> None:
    for stream, state in restored.items():
        try:
            behind = await wait_for_replicas(client, stream, state.last_seq)
        except (ApiError, Unanswered) as error:
            raise BackupError("away", reason=str(error) or repr(error)) from error
        if behind:
            raise BackupError("replicas_behind", stream=stream, servers=", ".join(sorted(behind)))


async def _check_place(client: Client, replicas: int) -> None:
    """Make and delete a stream with so many replicas: only that shows whether they have a place.

    What is there must not be deleted for a restore that the servers refuse.
    """
    scratch = {"name": SCRATCH, "subjects": [SCRATCH], "storage": "file", "num_replicas": replicas}
    try:
        await api(client, f"STREAM.CREATE.{SCRATCH}", scratch, within=WITHIN)
    except ApiError as error:
        raise BackupError("no_place", replicas=replicas, reason=error) from error
    finally:
        await delete_stream(client, SCRATCH)


async def _make_room(client: Client, *, replace: bool) -> None:
    """Delete the streams that are there, unless they hold something or are in use."""
    if await worker_listens(client):
        raise BackupError("running")
    held = {stream: await _last_position(client, stream) for stream in KEPT}
    for stream, position in held.items():
        if position and not replace:
            raise BackupError("not_empty", stream=stream, last=position)
    for stream, position in held.items():
        if position is not None:
            await delete_stream(client, stream)


async def _last_position(client: Client, stream: str) -> int | None:
    try:
        info = await api(client, f"STREAM.INFO.{stream}", {}, within=WITHIN)
    except ApiError as error:
        if error.code == NO_STREAM:
            return None
        raise
    return int(info["state"]["last_seq"])
