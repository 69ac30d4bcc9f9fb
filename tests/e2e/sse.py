"""Reads event streams line by line, so that nothing a library smooths over is missed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from msgspec import Struct

LIMIT = 60
"""Seconds a stream may be silent in a test; heartbeats come more often."""


class Message(Struct, frozen=True, kw_only=True):
    """One message of a stream."""

    event: str
    data: dict[str, Any]
    id: str | None = None
    """As it was sent with this very message."""


class Stream:
    """An open stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._messages = _messages(answer)

    async def next(self) -> Message:
        """Return the next message."""
        return await anext(self._messages)

    async def until(self, event: str) -> list[Message]:
        """Read up to and with the first message of that name."""
        read = [await self.next()]
        while read[-1].event != event:
            read.append(await self.next())
        return read

    async def rest(self) -> list[Message]:
        """Read to the end."""
        return [message async for message in self._messages]


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, run_id: str, *, after: str = "", last_event_id: str = ""
) -> AsyncIterator[Stream]:
    """Follow a run."""
    path = f"/v1/runs/{run_id}/events"
    async with following_at(http, path, after=after, last_event_id=last_event_id) as stream:
        yield stream


@asynccontextmanager
async def following_at(
    http: httpx.AsyncClient, path: str, *, after: str = "", last_event_id: str = ""
) -> AsyncIterator[Stream]:
    """Follow whatever has its stream at *path*."""
    # None, since an empty dict would take away what the path has.
    params = {"after": after} if after else None
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with http.stream("GET", path, params=params, headers=headers, timeout=LIMIT) as answer:
        yield Stream(answer)


async def _messages(answer: httpx.Response) -> AsyncIterator[Message]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line and "data" in fields:
            data = msgspec.json.decode(fields["data"])
            yield Message(event=fields["event"], data=data, id=fields.get("id"))
            fields = {}


def facts(messages: list[Message]) -> list[Message]:
    """Leave out progress, which nobody can ask for again."""
    return [message for message in messages if message.event != "progress"]
