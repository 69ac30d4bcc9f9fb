"""How long the log and its queues are, and how its replicas stand: asked of JetStream, not read."""

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from nats.aio.client import Client

from events import subjects
from infra.nats_connection import ApiError, api
from infra.work_queue import BATCHES, ERASURES, OBSERVATIONS, UPLOADS

ANSWER_WITHIN = 2.0
"""Seconds JetStream has for each answer: a scrape waits for it."""

SILENT = 5.0
"""Seconds without a word after which a replica counts as gone; they speak once a second."""

STREAMS = (subjects.LOG, subjects.INPUTS, subjects.WORK, subjects.DEAD_LETTERS)
REACTOR = "reactor"
_NO_SUCH_CONSUMER = 10014


class Replica(Struct, frozen=True, kw_only=True):
    """One server's copy of a stream."""

    server: str
    current: bool
    """Whether it is there and has caught up, as the leader sees it."""

    lag: int
    """Operations that it is behind the leader."""


class StreamFigures(Struct, frozen=True, kw_only=True):
    """One stream as its leader describes it."""

    messages: int
    bytes: int
    wanted: int
    """Replicas it should have."""

    replicas: tuple[Replica, ...]
    """The leader is among them; a server that is no cluster has none."""


class LogFigures(Struct, frozen=True, kw_only=True):
    """What JetStream says of comfyd's streams."""

    head: int
    """Position of the log's last event."""

    streams: Mapping[str, StreamFigures]
    reactor_lag: int
    """Events from which nothing has followed yet."""

    work: Mapping[str, int]
    """Pieces of work by kind, those in hand included."""


async def log_figures(client: Client) -> LogFigures:
    """Ask JetStream; costs nine requests, however long the log and its queues are.

    Raises:
        UNANSWERED, ApiError: nobody answers, or a stream is missing.

    """
    kinds = (UPLOADS, ERASURES, BATCHES, OBSERVATIONS)
    infos = await asyncio.gather(*(_stream_info(client, name) for name in STREAMS))
    reactor, *waiting = await asyncio.gather(
        _unfinished(client, subjects.LOG, REACTOR),
        *(_unfinished(client, subjects.WORK, kind.consumer) for kind in kinds),
    )
    streams = dict(zip(STREAMS, map(_figures, infos), strict=True))
    work = {kind.consumer: count for kind, count in zip(kinds, waiting, strict=True)}
    # Each machine has a consumer; what is left is theirs, and nobody has to ask hundreds of them.
    work["render"] = max(streams[subjects.WORK].messages - sum(waiting), 0)
    head = int(infos[STREAMS.index(subjects.LOG)]["state"]["last_seq"])
    return LogFigures(head=head, streams=streams, reactor_lag=reactor, work=work)


async def _stream_info(client: Client, name: str) -> dict[str, Any]:
    return await api(client, f"STREAM.INFO.{name}", {}, within=ANSWER_WITHIN)


async def _unfinished(client: Client, stream: str, consumer: str) -> int:
    """Return how many messages a consumer has still to deal with."""
    try:
        info = await api(client, f"CONSUMER.INFO.{stream}.{consumer}", {}, within=ANSWER_WITHIN)
    except ApiError as error:
        if error.code != _NO_SUCH_CONSUMER:
            raise
        return 0  # No worker has ever run.
    return int(info["num_pending"]) + int(info["num_ack_pending"])


def _figures(info: Mapping[str, Any]) -> StreamFigures:
    state, cluster = info["state"], info.get("cluster") or {}
    leader = cluster.get("leader")
    replicas = [Replica(server=leader, current=True, lag=0)] if leader else []
    replicas += [
        Replica(
            server=peer["name"],
            # One that is frozen stays current for a while; only its silence grows.
            current=bool(peer.get("current"))
            and not peer.get("offline")
            and peer["active"] < SILENT * 1e9,
            lag=peer.get("lag", 0),
        )
        for peer in cluster.get("replicas") or ()
    ]
    return StreamFigures(
        messages=state["messages"],
        bytes=state["bytes"],
        wanted=info["config"]["num_replicas"],
        replicas=tuple(replicas),
    )
