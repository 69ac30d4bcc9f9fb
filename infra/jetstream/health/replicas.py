"""Where the streams are kept: their leaders, their replicas, and how near they are to a limit."""

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from events import subjects
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered

STREAMS = (subjects.LOG, subjects.INPUTS, subjects.WORK, subjects.DEAD_LETTERS, subjects.PROBE)
WITHIN = 3.0
"""Seconds for an answer. While a stream has no leader no server answers for it at first."""

SILENT = 5.0
"""Seconds without a word after which a replica counts as silent; they speak once a second."""

MOST_LAG = 1_000
"""Operations a replica may be behind its leader for a moment under load."""

_LIMITS = {"max_bytes": "bytes", "max_msgs": "messages", "max_consumers": "consumer_count"}


class Replica(Struct, frozen=True, kw_only=True):
    """A copy of a stream on a node that does not lead it."""

    node: str
    silent: bool
    """The leader does not hear of it."""

    behind: int
    """Operations it does not have yet; 0 for few that it will have in a moment."""

    lag: int = 0
    """The same as the leader counts it, few or many."""


class StreamHealth(Struct, frozen=True, kw_only=True):
    """How one stream is kept."""

    name: str
    leader: str
    """The node that leads it; empty for none, which means that nothing can be written."""

    clustered: bool = False
    """Whether the server is one of a cluster."""

    copies: int = 1
    """How many nodes shall keep it."""

    last: int = 0
    """Position of its last message."""

    messages: int = 0
    bytes: int = 0
    """On disk."""

    compressed: bool = False
    replicas: tuple[Replica, ...] = ()
    fullness: float = 0.0
    """Share of its narrowest limit that is in use, where a full stream refuses what comes."""


async def stream_healths(client: Client) -> list[StreamHealth]:
    """Ask for every stream, side by side; those that do not exist are left out."""
    found = await asyncio.gather(*(_stream_health(client, name) for name in STREAMS))
    return [stream for stream in found if stream is not None]


async def log_health(client: Client) -> StreamHealth | None:
    """Ask for the log alone."""
    return await _stream_health(client, subjects.LOG)


async def storage_in_use(client: Client) -> float:
    """Return the share of the account's storage that is in use; 0 without a limit.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    info = await api(client, "INFO", {}, within=WITHIN)
    limit = info["limits"]["max_storage"]
    return info["storage"] / limit if limit > 0 else 0.0


async def _stream_health(client: Client, name: str) -> StreamHealth | None:
    try:
        info = await api(client, f"STREAM.INFO.{name}", {}, within=WITHIN)
    except Unanswered:
        return StreamHealth(name=name, leader="")
    except ApiError:
        return None
    return read_stream(info)


def read_stream(info: Mapping[str, Any]) -> StreamHealth:
    """Read what STREAM.INFO answers."""
    config, state = info["config"], info["state"]
    # A server of no cluster leads all of its streams, and may leave the part out.
    cluster = info.get("cluster") or {"leader": "here"}
    return StreamHealth(
        name=config["name"],
        leader=cluster.get("leader", ""),
        clustered="name" in cluster,
        copies=config["num_replicas"],
        last=state["last_seq"],
        messages=state["messages"],
        bytes=state["bytes"],
        compressed=config.get("compression", "none") != "none",
        replicas=tuple(_replica(replica) for replica in cluster.get("replicas") or ()),
        fullness=_fullness(config, state) if config.get("discard") == "new" else 0.0,
    )


def _replica(found: Mapping[str, Any]) -> Replica:
    # A node that died is "not current, active 0", also when it was heard before; one that is
    # frozen stays current for a while, and only the time since its last word grows.
    current, lag = found.get("current", False), found.get("lag", 0)
    unheard = found["active"] == 0 and not current
    silent = found.get("offline", False) or unheard or found["active"] > SILENT * 1e9
    behind = 0 if current and lag <= MOST_LAG else max(lag, 1)
    return Replica(node=found["name"], silent=silent, behind=0 if silent else behind, lag=lag)


def _fullness(config: Mapping[str, Any], state: Mapping[str, Any]) -> float:
    return max(
        (
            state[used] / config[limit]
            for limit, used in _LIMITS.items()
            if config.get(limit, -1) > 0
        ),
        default=0.0,
    )
