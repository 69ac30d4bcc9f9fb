"""Reads the log in order from a position: the position lives with the reader's own effects.

A raw pull consumer without acks: several times faster than a subscription through a framework,
works under both of JetStream's ack formats, and gives the sequence numbers to prove that nothing
is missing (docs/adr/0004). The consumer lives on one replica of the log, which may stop following
the leader while it goes on sending heartbeats; so a reader that hears nothing compares it with the
leader, and goes to another replica (docs/adr/0023).
"""

import logging
import time
from collections.abc import AsyncGenerator, Sequence

from events.envelope import Entry
from events.subjects import LOG
from infra.event_store import LogUnavailable
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.log.consumer import HEARTBEAT, LogConsumer, ReplicaBehind
from infra.jetstream.log.consumer import (
    LogInterrupted as LogInterrupted,  # noqa: PLC0414 -- the name others import
)

log = logging.getLogger(__name__)

WINDOW = 500
"""Messages asked for at a time."""

UNANSWERED_QUESTIONS = 5
"""How often the leader may not answer, about once in HEARTBEAT. A reader that is cut off from it
cannot know whether it is behind, and has to say so."""


async def head(client: Client, *, within: float = 5.0) -> int:
    """Return the position of the log's last event, as the leader knows it, 0 when it is empty.

    Raises:
        Unanswered: NATS does not answer.

    """
    info = await api(client, f"STREAM.INFO.{LOG}", {}, within=within)
    return int(info["state"]["last_seq"])


class LogHead:
    """The head of the log for all readers of a connection that hear nothing, asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._position = 0
        self._asked_at = float("-inf")
        self._unanswered = 0

    async def position(self) -> int:
        """Return where the head was a moment ago.

        Raises:
            LogUnavailable: no leader has answered for longer than an election takes.

        """
        now = time.monotonic()
        if now - self._asked_at >= HEARTBEAT / 2:
            self._asked_at = now
            await self._ask()
        return self._position

    async def _ask(self) -> None:
        try:
            self._position = await head(self._client, within=HEARTBEAT)
        except (Unanswered, ApiError) as error:
            self._unanswered += 1
            if self._unanswered >= UNANSWERED_QUESTIONS:
                raise LogUnavailable("no leader tells where the log ends") from error
        else:
            self._unanswered = 0


async def read_log(
    client: Client,
    *,
    after: int,
    limit: int,
    aggregates: Sequence[str] = (),
    log_head: LogHead | None = None,
) -> AsyncGenerator[list[Entry], None]:
    """Yield what lies beyond position *after*, then what comes, in batches of at most *limit*.

    With *aggregates*, only what concerns these. A reader that stands still holds a window of
    messages in memory, and no more. Many readers of one connection share a *log_head*.

    Raises:
        LogInterrupted: a gap, a lost consumer or a lost connection.

    """
    log_head = log_head or LogHead(client)
    behind: set[str] = set()
    while True:
        consumer = LogConsumer(
            client, after, aggregates, log_head.position, window=min(limit, WINDOW)
        )
        try:
            await consumer.open(behind)
            while True:
                batch = await consumer.batch(limit)
                after = batch[-1].position
                yield batch
        except ReplicaBehind as error:
            log.warning(
                "log_reader.replica_behind", extra={"server": consumer.server, "reason": str(error)}
            )
            behind.add(consumer.server)
        except (Unanswered, ApiError, LogUnavailable) as error:
            raise LogInterrupted(repr(error)) from error
        finally:
            await consumer.close()
