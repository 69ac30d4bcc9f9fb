"""The event store on NATS JetStream.

Rules measured on the server (docs/adr/0003): expectations on exact subjects only; a conflict says
nothing about who won, because a single server and a cluster answer a repeated message
differently; a time-out says nothing at all. Both are settled by reading the tail and comparing ids.
"""

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from events import codec
from events.envelope import AnyRecorded
from events.subjects import LOG, subject
from infra.event_store import AggregateFull, LogUnavailable, TooLarge, VersionConflict
from infra.nats_connection import UNANSWERED, ApiError, api, checked, next_message

WRONG_SEQUENCE = 10071
WRONG_SEQUENCE_IN_FLIGHT = 10164
"""The same conflict on a cluster, against a write that is not yet stored."""

DUPLICATE_IN_BATCH = 10201
NO_MESSAGE = 10037
SUBJECT_FULL = 10077
DUPLICATE = 0
"""Our own code for an answer that is a success to JetStream: the id was stored before."""

_CONFLICTS = {WRONG_SEQUENCE, WRONG_SEQUENCE_IN_FLIGHT, DUPLICATE_IN_BATCH, DUPLICATE}

BATCH = 1000
"""Messages per direct get; also JetStream's own limit."""

BATCH_BYTES = 1024 * 1024
"""Bytes per direct get: between two, others have their turn."""

READS_AT_ONCE = 8
"""Direct gets of one process. The server ends a connection that has 64 MiB on their way to it, and
with it everybody's requests, not only those of whoever asked for so much."""


class JetStreamEventStore:
    """The log, seen through one connection."""

    def __init__(self, client: Client, *, patience: float = 8.0, per_try: float = 2.0) -> None:
        """Give up on an append after *patience* seconds, on one try after *per_try*.

        Leader elections took up to 7 s; patience covers one.
        """
        self._client = client
        self._patience = patience
        self._per_try = per_try
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def last(self, aggregate: str) -> AnyRecorded | None:
        """Give the aggregate's last event, as the leader knows it.

        Raises:
            LogUnavailable: the log does not answer.

        """
        request = {"last_by_subj": subject(aggregate)}
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = await api(
                    self._client, f"STREAM.MSG.GET.{LOG}", request, within=self._per_try
                )
            except ApiError as error:
                if error.code == NO_MESSAGE:
                    return None
                raise LogUnavailable(str(error)) from error
            except UNANSWERED as error:
                # Servers that do not lead the log are silent: while a leader is elected, all are.
                if time.monotonic() > deadline:
                    raise LogUnavailable("the log does not answer") from error
                await asyncio.sleep(0.05)
            else:
                return _from_leader(answer["message"])

    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        """Give the aggregate's events beyond position *after*; see EventStore."""
        last = await self.last(aggregate)
        if last is None or last.position <= after:
            return []
        if last.version == 1:
            return [last]
        deadline = time.monotonic() + self._patience
        events: list[AnyRecorded] = []
        while True:
            async with self._reads:
                known = events[-1].position if events else after
                events += await self._read_direct(aggregate, known)
            # A direct get has an end, and any replica answers it, also one that lags behind.
            if events and events[-1].position >= last.position:
                return events
            if time.monotonic() > deadline:
                raise LogUnavailable("the log's replicas lag behind")
            await asyncio.sleep(0.02)

    async def append(self, events: Sequence[AnyRecorded], *, expected: int) -> list[AnyRecorded]:
        """Append the *events* of one aggregate, all or none; see EventStore."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                last = await self._publish(events, expected)
            except ApiError as error:
                if error.code in _CONFLICTS:
                    return await self._settle(events, expected)
                if error.code == SUBJECT_FULL:
                    raise AggregateFull(events[0].aggregate) from error
                reason: Exception = error
            except nats.errors.MaxPayloadError as error:
                raise TooLarge(events[0].aggregate) from error
            except UNANSWERED as error:
                reason = error
            else:
                return _positioned(events, last)
            if time.monotonic() > deadline:
                raise LogUnavailable(f"not confirmed: {reason}") from reason
            await asyncio.sleep(0.05)

    async def _settle(self, events: Sequence[AnyRecorded], expected: int) -> list[AnyRecorded]:
        """Tell a lost race from an append of ours that had landed before."""
        tail = {e.id: e for e in await self.read(events[0].aggregate, after=expected)}
        if all(event.id in tail for event in events):
            return [tail[event.id] for event in events]
        raise VersionConflict(events[0].aggregate)

    async def _publish(self, events: Sequence[AnyRecorded], expected: int) -> int:
        """Publish once; give the position of the last event."""
        name = subject(events[0].aggregate)
        if len(events) > 1:
            return await self._publish_batch(name, events, expected)
        headers, body = codec.encode(events[0])
        headers["Nats-Expected-Last-Subject-Sequence"] = str(expected)
        reply = await self._client.request(name, body, timeout=self._per_try, headers=headers)
        answer = checked(reply.data)
        if answer.get("duplicate"):
            # What is stored may say another time than what we hold: it has to be read.
            raise ApiError(DUPLICATE, "duplicate")
        return int(answer["seq"])

    async def _publish_batch(self, name: str, events: Sequence[AnyRecorded], expected: int) -> int:
        batch = uuid4().hex
        answer = b""
        for number, event in enumerate(events, start=1):
            headers, body = codec.encode(event)
            headers |= {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            if number == 1:
                headers["Nats-Expected-Last-Subject-Sequence"] = str(expected)
            if number == len(events):
                headers["Nats-Batch-Commit"] = "1"
            if number in {1, len(events)}:
                reply = await self._client.request(
                    name, body, timeout=self._per_try, headers=headers
                )
                answer = reply.data
                if answer:
                    checked(answer)
            else:
                await self._client.publish(name, body, headers=headers)
        return int(checked(answer)["seq"])

    async def _read_direct(self, aggregate: str, after: int) -> list[AnyRecorded]:
        request = {
            "seq": after + 1,
            "batch": BATCH,
            "max_bytes": BATCH_BYTES,
            "next_by_subj": subject(aggregate),
        }
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        events: list[AnyRecorded] = []
        try:
            await self._client.publish(
                f"$JS.API.DIRECT.GET.{LOG}", msgspec.json.encode(request), reply=inbox
            )
            while True:
                message = await next_message(subscription, within=self._per_try)
                if "Nats-Sequence" not in (message.headers or {}):
                    return events
                events.append(from_direct(message))
        except UNANSWERED as error:
            raise LogUnavailable("the log does not answer") from error
        finally:
            await subscription.unsubscribe()


def _positioned(events: Sequence[AnyRecorded], last: int) -> list[AnyRecorded]:
    first = last - len(events) + 1
    return [
        msgspec.structs.replace(event, position=first + index) for index, event in enumerate(events)
    ]


def _from_leader(message: Mapping[str, str]) -> AnyRecorded:
    return codec.decode(
        _parse_headers(base64.b64decode(message["hdrs"])),
        base64.b64decode(message.get("data", "")),
        position=int(message["seq"]),
        recorded_at=datetime.fromisoformat(message["time"]),
    )


def from_direct(message: Msg) -> AnyRecorded:
    """Read an event out of a direct get or a republished copy."""
    headers = message.headers or {}
    return codec.decode(
        headers,
        message.data,
        position=int(headers["Nats-Sequence"]),
        recorded_at=datetime.fromisoformat(headers["Nats-Time-Stamp"]),
    )


def from_log(message: Msg) -> AnyRecorded:
    """Read an event that a consumer of the log was given."""
    place = message.metadata
    return codec.decode(
        message.headers or {},
        message.data,
        position=place.sequence.stream,
        recorded_at=place.timestamp,
    )


def _parse_headers(block: bytes) -> dict[str, str]:
    lines = block.decode().split("\r\n")[1:]
    pairs = (line.split(": ", 1) if ": " in line else line.split(":", 1) for line in lines if line)
    return {name: value for name, value in pairs}  # noqa: C416 -- mypy wants pairs
