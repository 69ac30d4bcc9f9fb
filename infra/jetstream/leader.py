"""Reads from the leader of a stream, the one node whose "no such message" is certain.

Elections take up to 8.5 s; *patience* (seconds) covers one.

A Direct Get is answered by any replica, and one that lags behind or is broken answers "not found"
like one that is right (docs/adr/0023). So a Direct Get may say what there is, never what is not.
"""

import asyncio
import base64
import time
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from infra.event_store import LogUnavailable
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import NO_LEADER, NO_MESSAGE
from infra.jetstream.errors import ApiError, Unanswered

REPLICA_WITHIN = 1.0
"""Seconds that a replica has for a Direct Get. One that was cut off does not answer until the
others have noticed, which takes minutes; the leader is asked in its place."""


class StoredMessage(Struct, frozen=True, kw_only=True):
    """A message as the leader has it."""

    subject: str
    position: int
    stored_at: datetime
    headers: Mapping[str, str]
    data: bytes


async def last_of_subject(
    client: Client, stream: str, subject: str, *, within: float, patience: float = 0.0
) -> StoredMessage | None:
    """Return the last message of a subject; None when there is none.

    Raises:
        LogUnavailable: the leader does not answer, or there is none just now.

    """
    return await _get(client, stream, {"last_by_subj": subject}, within=within, patience=patience)


async def next_of_subject(
    client: Client, stream: str, subject: str, *, after: int, within: float, patience: float = 0.0
) -> StoredMessage | None:
    """Return the first message of a subject beyond position *after*; None when there is none.

    Raises:
        LogUnavailable: the leader does not answer, or there is none just now.

    """
    request = {"seq": after + 1, "next_by_subj": subject}
    return await _get(client, stream, request, within=within, patience=patience)


async def message_at(
    client: Client, stream: str, position: int, *, within: float
) -> StoredMessage | None:
    """Return the message at a position; None when there is none.

    Raises:
        LogUnavailable: the leader does not answer, or there is none just now.

    """
    return await _get(client, stream, {"seq": position}, within=within, patience=0.0)


async def _get(
    client: Client, stream: str, request: object, *, within: float, patience: float
) -> StoredMessage | None:
    deadline = time.monotonic() + patience
    while True:
        try:
            answer = await api(client, f"STREAM.MSG.GET.{stream}", request, within=within)
        except ApiError as error:
            if error.code == NO_MESSAGE:
                return None
            if error.code != NO_LEADER or time.monotonic() > deadline:
                raise LogUnavailable(str(error)) from error
        except Unanswered as error:
            # Servers that do not lead the stream are silent: while a leader is elected, all are.
            if time.monotonic() > deadline:
                raise LogUnavailable("the log does not answer") from error
        else:
            return _stored(answer["message"])
        await asyncio.sleep(0.05)


def _stored(message: Mapping[str, str]) -> StoredMessage:
    return StoredMessage(
        subject=message["subject"],
        position=int(message["seq"]),
        stored_at=datetime.fromisoformat(message["time"]),
        headers=_parse_headers(base64.b64decode(message.get("hdrs", ""))),
        data=base64.b64decode(message.get("data", "")),
    )


def _parse_headers(block: bytes) -> dict[str, str]:
    lines = block.decode().split("\r\n")[1:]
    pairs = (line.split(": ", 1) if ": " in line else line.split(":", 1) for line in lines if line)
    return {name: value for name, value in pairs}  # noqa: C416 -- mypy wants pairs
