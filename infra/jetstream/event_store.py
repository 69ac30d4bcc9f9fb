"""The event store on NATS JetStream.

Rules measured on the server (docs/adr/0003): expectations on exact subjects only; a conflict says
nothing about who won, because a single server and a cluster answer a repeated message
differently; a time-out says nothing at all. Both are settled by reading the tail and comparing ids.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

import msgspec
from nats.aio.msg import Msg

from events import codec
from events.envelope import AnyRecorded
from events.subjects import LOG, subject
from infra.event_store import AggregateFull, LogUnavailable, TooLarge, VersionConflict
from infra.jetstream.calls import checked, next_message, request, send, subscribed
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import (
    DUPLICATE_IN_BATCH,
    SUBJECT_FULL,
    WRONG_SEQUENCE,
    WRONG_SEQUENCE_IN_FLIGHT,
)
from infra.jetstream.errors import ApiError, MessageTooLarge, Unanswered
from infra.jetstream.leader import (
    REPLICA_WITHIN,
    StoredMessage,
    last_of_subject,
    next_of_subject,
)

DUPLICATE = 0
"""Our own code for an answer that is a success to JetStream: the id was stored before."""

_CONFLICTS = {WRONG_SEQUENCE, WRONG_SEQUENCE_IN_FLIGHT, DUPLICATE_IN_BATCH, DUPLICATE}

BATCH = 1000
"""Messages per direct get; also JetStream's own limit."""

BATCH_BYTES = 1024 * 1024
"""Bytes per direct get: between two, others have their turn."""

READS_AT_ONCE = 8
"""Direct gets of one process. The server ends a connection that has 64 MiB on their way to it, and
with it all requests over it, not only the one that asked for so much."""


class JetStreamEventStore:
    """The log, seen through one connection."""

    def __init__(self, client: Client, *, patience: float = 10.0, per_try: float = 1.0) -> None:
        """Raise LogUnavailable for an append after *patience* seconds; a try has *per_try*.

        Leader elections took up to 8.5 s, and what was asked before the end of one is not answered
        after it: patience covers one, with short tries.
        """
        self._client = client
        self._patience = patience
        self._per_try = per_try
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def last(self, aggregate: str) -> AnyRecorded | None:
        """Return the aggregate's last event, as the leader knows it.

        Raises:
            LogUnavailable: the log does not answer.

        """
        last = await last_of_subject(
            self._client, LOG, subject(aggregate), within=self._per_try, patience=self._patience
        )
        return _from_leader(last) if last else None

    async def read(self, aggregate: str, *, after: int = 0) -> list[AnyRecorded]:
        """Return the aggregate's events beyond position *after*; see EventStore."""
        last = await self.last(aggregate)
        if last is None or last.position <= after:
            return []
        if last.version == 1:
            return [last]
        events: list[AnyRecorded] = []
        known, version = after, None if after else 0
        while known < last.position:
            async with self._reads:
                more = _unbroken(await self._read_direct(aggregate, known), version)
                # Any replica answers a direct get. What one does not have, the leader has.
                events += more or [await self._next_from_leader(aggregate, known)]
            known, version = events[-1].position, events[-1].version
        return events

    async def _next_from_leader(self, aggregate: str, after: int) -> AnyRecorded:
        found = await next_of_subject(
            self._client,
            LOG,
            subject(aggregate),
            after=after,
            within=self._per_try,
            patience=self._patience,
        )
        if found is None:
            raise LogUnavailable("the log's leader does not have what it had")
        return _from_leader(found)

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
            except MessageTooLarge as error:
                raise TooLarge(events[0].aggregate) from error
            except Unanswered as error:
                reason = error
            else:
                return _positioned(events, last)
            if time.monotonic() > deadline:
                raise LogUnavailable(f"not confirmed: {reason}") from reason
            await asyncio.sleep(0.05)

    async def _settle(self, events: Sequence[AnyRecorded], expected: int) -> list[AnyRecorded]:
        """Return our events if they had landed before, else raise VersionConflict."""
        tail = {e.id: e for e in await self.read(events[0].aggregate, after=expected)}
        if all(event.id in tail for event in events):
            return [tail[event.id] for event in events]
        raise VersionConflict(events[0].aggregate)

    async def _publish(self, events: Sequence[AnyRecorded], expected: int) -> int:
        """Publish once; return the position of the last event."""
        name = subject(events[0].aggregate)
        if len(events) > 1:
            return await self._publish_batch(name, events, expected)
        headers, body = codec.encode(events[0])
        headers["Nats-Expected-Last-Subject-Sequence"] = str(expected)
        reply = await request(self._client, name, body, within=self._per_try, headers=headers)
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
                reply = await request(
                    self._client, name, body, within=self._per_try, headers=headers
                )
                answer = reply.data
                if answer:
                    checked(answer)
            else:
                await send(self._client, name, body, headers=headers)
        return int(checked(answer)["seq"])

    async def _read_direct(self, aggregate: str, after: int) -> list[AnyRecorded]:
        """Read what some replica has, up to the limits of one answer; it may be nothing."""
        question = {
            "seq": after + 1,
            "batch": BATCH,
            "max_bytes": BATCH_BYTES,
            "next_by_subj": subject(aggregate),
        }
        within = min(REPLICA_WITHIN, self._per_try)
        events: list[AnyRecorded] = []
        with suppress(Unanswered):
            async with subscribed(self._client, self._client.new_inbox()) as answers:
                await send(
                    self._client,
                    f"$JS.API.DIRECT.GET.{LOG}",
                    msgspec.json.encode(question),
                    reply=answers.subject,
                )
                while True:
                    message = await next_message(answers, within=within)
                    if "Nats-Sequence" not in (message.headers or {}):
                        return events
                    events.append(from_direct(message))
        return events


def _positioned(events: Sequence[AnyRecorded], last: int) -> list[AnyRecorded]:
    first = last - len(events) + 1
    return [
        msgspec.structs.replace(event, position=first + index) for index, event in enumerate(events)
    ]


def _unbroken(events: Sequence[AnyRecorded], version: int | None) -> list[AnyRecorded]:
    """Return the events up to the first that is missing; a broken replica may lack any.

    *version* is that of the event before them, None when it is not known.
    """
    whole: list[AnyRecorded] = []
    for event in events:
        if version is not None and event.version != version + 1:
            break
        whole.append(event)
        version = event.version
    return whole


def _from_leader(message: StoredMessage) -> AnyRecorded:
    return codec.decode(
        message.headers,
        message.data,
        position=message.position,
        recorded_at=message.stored_at,
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
