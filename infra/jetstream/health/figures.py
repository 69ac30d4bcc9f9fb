"""How long the log and its queues are, and how its replicas stand: asked of JetStream, not read."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from events import subjects
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import NO_CONSUMER
from infra.jetstream.errors import ApiError
from infra.jetstream.health.replicas import StreamHealth, stream_healths
from infra.jetstream.health.workers import read_consumer
from infra.jetstream.work.consumers import KINDS
from infra.jetstream.work.reactor_durable import REACTOR

ANSWER_WITHIN = 2.0
"""Seconds JetStream has for each answer: a scrape waits for it."""


class LogFigures(Struct, frozen=True, kw_only=True):
    """What JetStream says of comfyd's streams."""

    streams: Mapping[str, StreamHealth]
    """Those that answer, by name."""

    reactor_lag: int
    """Events from which nothing has followed yet."""

    work: Mapping[str, int]
    """Pieces of work by kind, those in hand included."""


async def log_figures(client: Client) -> LogFigures:
    """Ask JetStream; costs ten requests, however long the log and its queues are.

    Raises:
        Unanswered, ApiError: JetStream does not answer, or refuses.

    """
    found = await stream_healths(client)
    reactor, *waiting = await asyncio.gather(
        _unfinished(client, subjects.LOG, REACTOR),
        *(_unfinished(client, subjects.WORK, kind.consumer) for kind in KINDS),
    )
    streams = {stream.name: stream for stream in found if stream.leader}
    work = {kind.consumer: count for kind, count in zip(KINDS, waiting, strict=True)}
    if queue := streams.get(subjects.WORK):
        # Each machine has a consumer; what is left is theirs, and hundreds need not be asked.
        work["render"] = max(queue.messages - sum(waiting), 0)
    return LogFigures(streams=streams, reactor_lag=reactor, work=work)


async def _unfinished(client: Client, stream: str, consumer: str) -> int:
    """Return how many messages a consumer has still to deal with."""
    try:
        info = await api(client, f"CONSUMER.INFO.{stream}.{consumer}", {}, within=ANSWER_WITHIN)
    except ApiError as error:
        if error.code != NO_CONSUMER:
            raise
        return 0  # No worker has ever run.
    queue = read_consumer(info)
    return queue.waiting + queue.in_hand
