"""JetStream's own snapshots of a stream: taken while it is written to, and restored.

nats-py has no name for these calls. What the server sends is opaque; it holds every message with
its position and time, so that positions are what they were.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.errors import NoRespondersError

from infra.jetstream.backup.errors import BackupError
from infra.jetstream.backup.folder import State, StreamBackup
from infra.jetstream.connection import UNANSWERED, ApiError, api, checked, next_message
from infra.jetstream.error_codes import NO_STREAM

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
    subscription = await client.subscribe(inbox, pending_msgs_limit=0, pending_bytes_limit=0)
    request = {"deliver_subject": inbox, "no_consumers": True, "chunk_size": SENT_AT_ONCE}
    try:
        answer = await api(client, f"STREAM.SNAPSHOT.{stream}", request, within=WITHIN)
        while True:
            message = await next_message(subscription, within=WITHIN)
            status = (message.headers or {}).get("Status", "204")
            if status != "204":
                raise BackupError("interrupted", stream=stream, reason=status)
            if not message.data:
                return answer["config"], answer["state"]
            take(message.data)
            if message.reply:
                # The server sends no more than a few chunks that nobody has taken.
                await client.publish(message.reply, b"")
    except ApiError as error:
        if error.code == NO_STREAM:
            raise BackupError("stream_missing", stream=stream) from error
        raise BackupError("interrupted", stream=stream, reason=error) from error
    except UNANSWERED as error:
        raise BackupError("interrupted", stream=stream, reason=repr(error)) from error
    finally:
        with suppress(*UNANSWERED):
            await subscription.unsubscribe()


async def restore_snapshot(
    client: Client, backup: StreamBackup, config: dict[str, Any], told: OnBytes
) -> State:
    """Make a stream of a backup, with another configuration; return how full it is.

    Raises:
        BackupError: the server did not take it, or it did not come back whole; then it is gone.

    """
    stream = config["name"]
    subject = await _begin(client, stream, {"config": config, "state": backup.state})
    try:
        await _send(client, subject, backup, told)
        answer = await client.request(subject, b"", timeout=RESTORED_WITHIN)
        restored = msgspec.convert(checked(answer.data)["state"], State)
    except (ApiError, *UNANSWERED) as error:
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


async def _begin(client: Client, stream: str, request: object) -> str:
    """Ask for a restore; return where the server takes the data. Nothing is there yet."""
    try:
        answer = await api(client, f"STREAM.RESTORE.{stream}", request, within=WITHIN)
    except (ApiError, *UNANSWERED) as error:
        raise BackupError("refused", stream=stream, reason=str(error) or repr(error)) from error
    return str(answer["deliver_subject"])


async def delete_stream(client: Client, stream: str) -> None:
    """Delete a stream, if it is there."""
    with suppress(ApiError, *UNANSWERED):
        await api(client, f"STREAM.DELETE.{stream}", {}, within=WITHIN)


def _is_whole(restored: State, expected: State) -> bool:
    """Whether all is there; what was written while the snapshot was taken may be there too."""
    return restored.messages >= expected.messages and restored.last_seq >= expected.last_seq


async def _send(client: Client, subject: str, backup: StreamBackup, told: OnBytes) -> None:
    with backup.data.open("rb") as data:
        while chunk := data.read(TAKEN_AT_ONCE):
            answer = await _request(client, subject, chunk)
            if answer:
                checked(answer)
            told(len(chunk))


async def _request(client: Client, subject: str, chunk: bytes) -> bytes:
    """Send one chunk; the other servers of a cluster may not know yet who listens for it."""
    deadline = asyncio.get_running_loop().time() + WITHIN
    while True:
        try:
            answer: bytes = (await client.request(subject, chunk, timeout=WITHIN)).data
        except NoRespondersError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return answer
