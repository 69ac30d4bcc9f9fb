"""JetStream's own snapshots of a stream: taken while it is written to, and restored.

nats-py has no name for these calls. What the server sends is opaque; it holds every message with
its position and time, so that positions are what they were.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from infra.jetstream.backup.errors import BackupError
from infra.jetstream.backup.folder import State, StreamBackup
from infra.jetstream.calls import api, checked, next_message, request, send, subscribed
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import NO_STREAM
from infra.jetstream.errors import ApiError, Unanswered

SENT_AT_ONCE = 128 * 1024
TAKEN_AT_ONCE = 64 * 1024
"""Bytes of a message, as the vendor's tool has them; one may have 1 MB at most."""

WITHIN = 30.0
"""Seconds the server may be silent."""

RESTORED_WITHIN = 3600.0
"""Seconds it may take to make a stream of what it was sent."""

OnBytes = Callable[[int], None]
"""Called with so many bytes more."""


async def take_snapshot(
    client: Client, stream: str, take: Callable[[bytes], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pass on what the server sends of a stream; return its configuration and state.

    Consumers are left out: what was theirs follows from the log.

    Raises:
        BackupError: there is no such stream, or it did not come whole.

    """
    inbox = client.new_inbox()
    what = {"deliver_subject": inbox, "no_consumers": True, "chunk_size": SENT_AT_ONCE}
    try:
        async with subscribed(client, inbox, unbounded=True) as chunks:
            answer = await api(client, f"STREAM.SNAPSHOT.{stream}", what, within=WITHIN)
            while True:
                message = await next_message(chunks, within=WITHIN)
                status = (message.headers or {}).get("Status", "204")
                if status != "204":
                    raise BackupError("interrupted", stream=stream, reason=status)
                if not message.data:
                    return answer["config"], answer["state"]
                take(message.data)
                if message.reply:
                    # The server sends only a few chunks that were not taken yet.
                    await send(client, message.reply)
    except ApiError as error:
        if error.code == NO_STREAM:
            raise BackupError("stream_missing", stream=stream) from error
        raise BackupError("interrupted", stream=stream, reason=error) from error
    except Unanswered as error:
        raise BackupError("interrupted", stream=stream, reason=str(error)) from error


async def restore_snapshot(
    client: Client, backup: StreamBackup, config: dict[str, Any], on_bytes: OnBytes
) -> State:
    """Make a stream of a backup, with another configuration; return how full it is.

    Raises:
        BackupError: the server did not take it, or it did not come back whole; then it is gone.

    """
    stream = config["name"]
    subject = await _begin(client, stream, {"config": config, "state": backup.state})
    try:
        await _send(client, subject, backup, on_bytes)
        answer = await request(client, subject, within=RESTORED_WITHIN)
        restored = msgspec.convert(checked(answer.data)["state"], State)
    except (ApiError, Unanswered) as error:
        # A server that refuses in the middle leaves what it had by then.
        await delete_stream(client, stream)
        raise BackupError("refused", stream=stream, reason=str(error) or repr(error)) from error
    if not _is_whole(restored, backup.expected):
        await delete_stream(client, stream)
        raise BackupError(
            "not_whole",
            stream=stream,
            messages=restored.messages,
            last=restored.last_seq,
            expected=backup.expected.messages,
            expected_last=backup.expected.last_seq,
        )
    return restored


async def _begin(client: Client, stream: str, backup: object) -> str:
    """Ask for a restore; return where the server takes the data. Nothing is there yet."""
    try:
        answer = await api(client, f"STREAM.RESTORE.{stream}", backup, within=WITHIN)
    except (ApiError, Unanswered) as error:
        raise BackupError("refused", stream=stream, reason=str(error) or repr(error)) from error
    return str(answer["deliver_subject"])


async def delete_stream(client: Client, stream: str) -> None:
    """Delete a stream, if it is there."""
    with suppress(ApiError, Unanswered):
        await api(client, f"STREAM.DELETE.{stream}", {}, within=WITHIN)


def _is_whole(restored: State, expected: State) -> bool:
    """Whether all is there; what was written while the snapshot was taken may be there too."""
    return restored.messages >= expected.messages and restored.last_seq >= expected.last_seq


async def _send(client: Client, subject: str, backup: StreamBackup, on_bytes: OnBytes) -> None:
    with backup.data.open("rb") as data:
        while chunk := data.read(TAKEN_AT_ONCE):
            # The other servers of a cluster may not know yet who listens: it is asked again.
            answer = await request(client, subject, chunk, within=WITHIN)
            if answer.data:
                checked(answer.data)
            on_bytes(len(chunk))
