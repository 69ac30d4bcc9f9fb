"""A consumer of the log in one replica's memory, and the proofs that it leaves nothing out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from events import codec
from events.codec import UnknownEventType, UnreadableEvent
from events.envelope import Entry, Unreadable
from events.subjects import LOG, aggregate_of, subject
from infra.jetstream.calls import api, send, subscribe, unsubscribe
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered, own_errors
from infra.jetstream.leader import next_of_subject
from infra.jetstream.log.ephemeral_consumer import ephemeral_consumer

IDLE = 5.0
"""Seconds the server may say nothing before we doubt the consumer."""

HEARTBEAT = IDLE / 2.5
"""Seconds of silence after which the server sends a heartbeat."""

SETTLED = 1.5 * HEARTBEAT
"""Seconds after which a heartbeat must have seen what the leader had: each is written before its
consumer looks into the log once more, so it may be one interval old."""

PLACEMENTS = 10
"""How often a consumer is made anew because it came to a replica that lags behind. JetStream
chooses one at random, and each choice takes some milliseconds."""

UNHEARD = 20
"""How often a new consumer is asked again because the question reached no server: it is answered
for on its own node before the other nodes have heard that it listens."""

UNHEARD_PAUSE = 0.05
"""Seconds in between."""

CLOSING = 1.0
"""Seconds the server may take to let a consumer go."""


class LogInterrupted(Exception):
    """The reader lost its place; read again from the last position that was kept."""


class ReplicaBehind(Exception):
    """The consumer's replica of the log does not follow the leader."""


class LogConsumer:
    """Reads from a position on, in batches."""

    def __init__(
        self,
        client: Client,
        after: int,
        aggregates: Sequence[str],
        head: Callable[[], Awaitable[int]],
        *,
        window: int,
    ) -> None:
        self.server = ""
        """The node whose replica is read; unknown on a server that stands alone."""

        self._client = client
        self._position = after
        self._head = head
        self._due: tuple[float, int] | None = None
        """From when on a heartbeat must have seen which position."""

        self._filter = [subject(name) for name in aggregates]
        self._window = window
        self._delivered = 0
        self._asked = 0
        self._unheard = 0
        self._inbox = client.new_inbox()
        self._queue: asyncio.Queue[tuple[float, Msg]] = asyncio.Queue()
        self._creating: asyncio.Task[dict[str, Any]] | None = None
        self._consumer = ""
        self._subscription: Subscription | None = None

    async def open(self, behind: Collection[str]) -> None:
        """Begin to read, on a node that is none of those whose replicas lag *behind*."""
        for _ in range(PLACEMENTS):
            await self._create()
            if self.server not in behind:
                break
            await self._let_go()
        else:
            raise LogInterrupted(f"its consumers come to replicas that lag behind: {behind}")
        self._subscription = await subscribe(self._client, self._inbox, self._hear, unbounded=True)
        await self._ask()

    async def _create(self) -> None:
        start = {"deliver_policy": "by_start_sequence", "opt_start_seq": self._position + 1}
        config = ephemeral_consumer(start)
        if self._filter:
            config["filter_subjects"] = self._filter
        request = {"stream_name": LOG, "config": config}
        # A task of its own: who stops in the middle needs the answer to let the consumer go.
        self._creating = asyncio.create_task(
            api(self._client, f"CONSUMER.CREATE.{LOG}", request, within=5)
        )
        created = await asyncio.shield(self._creating)
        self._consumer = created["name"]
        self.server = created.get("cluster", {}).get("leader", "")

    async def _hear(self, message: Msg) -> None:
        self._queue.put_nowait((time.monotonic(), message))

    async def close(self) -> None:
        if self._subscription is not None:
            await unsubscribe(self._subscription)
        await self._let_go()

    async def _let_go(self) -> None:
        if self._creating is not None:
            # It would go by itself, but much later; the server has to keep it until then.
            with suppress(Unanswered, ApiError):
                await self._delete(self._creating)

    async def _delete(self, creating: asyncio.Task[dict[str, Any]]) -> None:
        with own_errors():
            async with asyncio.timeout(CLOSING):
                consumer = (await creating)["name"]
                await api(self._client, f"CONSUMER.DELETE.{LOG}.{consumer}", {}, within=CLOSING)

    async def batch(self, limit: int) -> list[Entry]:
        """Wait for one entry, then take along whatever has already arrived."""
        entries: list[Entry] = []
        while not entries or (len(entries) < limit and not self._queue.empty()):
            if self._queue.empty():
                with own_errors():
                    async with asyncio.timeout(IDLE):
                        heard_at, message = await self._queue.get()
            else:
                heard_at, message = self._queue.get_nowait()
            if message.headers and "Status" in message.headers:
                await self._on_status(message.headers, heard_at)
                continue
            entries.append(await self._accept(message))
        return entries

    async def _accept(self, message: Msg) -> Entry:
        place = message.metadata
        self._delivered += 1
        if place.sequence.consumer != self._delivered or place.sequence.stream <= self._position:
            raise LogInterrupted(f"gap after position {self._position}")
        if place.sequence.stream > self._position + 1 and not self._filter:
            await self._check_gap(place.sequence.stream)
        self._position = place.sequence.stream
        self._asked -= 1
        await self._ask()
        return _entry(message, self._position, place.timestamp)

    async def _check_gap(self, until: int) -> None:
        """Return if the leader has nothing before position *until* either."""
        found = await next_of_subject(self._client, LOG, ">", after=self._position, within=IDLE)
        if found is None or found.position < until:
            raise ReplicaBehind(f"it lacks what follows position {self._position}")

    async def _on_status(self, headers: dict[str, str], heard_at: float) -> None:
        status = headers["Status"]
        if status == "100":
            await self._on_heartbeat(int(headers.get("Nats-Last-Stream", 0)), heard_at)
            return
        if status == "408":
            # One of our requests has expired, with so many messages still to come.
            self._asked -= int(headers["Nats-Pending-Messages"])
            await self._ask()
            return
        if status == "503" and not self._delivered and self._unheard < UNHEARD:
            self._unheard += 1
            self._asked = 0
            await asyncio.sleep(UNHEARD_PAUSE)
            await self._ask()
            return
        raise LogInterrupted(f"consumer ended: {status} {headers.get('Description', '')}")

    async def _on_heartbeat(self, seen: int, heard_at: float) -> None:
        """Compare how far the replica has *seen* the log with where its head was before.

        That is the last position it has looked at, also for a reader of some aggregates, who was
        sent none of it.
        """
        if self._due is not None:
            since, position = self._due
            if heard_at < since:
                return
            if seen < position:
                raise ReplicaBehind(f"it stands at {seen}, the leader at {position}")
        position = await self._head()
        self._due = (time.monotonic() + SETTLED, position)

    async def _ask(self) -> None:
        """Ask for more, unless enough is on its way."""
        if self._asked > self._window // 2:
            return
        # Heartbeats make a dead consumer visible within IDLE.
        request = {
            "batch": self._window,
            "expires": int(30e9),
            "idle_heartbeat": int(HEARTBEAT * 1e9),
        }
        await send(
            self._client,
            f"$JS.API.CONSUMER.MSG.NEXT.{LOG}.{self._consumer}",
            msgspec.json.encode(request),
            reply=self._inbox,
        )
        self._asked += self._window


def _entry(message: Msg, position: int, at: datetime) -> Entry:
    headers = message.headers or {}
    try:
        return codec.decode(
            headers, message.data, position=position, recorded_at=at.replace(tzinfo=UTC)
        )
    except (UnknownEventType, UnreadableEvent) as error:
        return Unreadable(
            aggregate=aggregate_of(message.subject),
            position=position,
            type=headers.get("ce-type", ""),
            error=str(error),
        )
