"""Waits until every replica of a stream has all of it.

A leader calls replicas current that have not begun to take a restored stream: 0.3 s after a
restore of 2,000 messages two of three had none of them, and a leader that dies then takes the
only copy with it. No client can ask one replica, but a consumer of one replica lives on some
server and knows what that server has.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from infra.jetstream.calls import api, request
from infra.jetstream.connection import Client
from infra.jetstream.log.ephemeral_consumer import ephemeral_consumer

WITHIN = 5.0
PATIENCE = 600.0
"""Seconds for which a large stream may be on its way."""

PAUSE = 0.05


async def is_clustered(client: Client, *, within: float) -> bool:
    """Return whether the server is one of a cluster.

    Raises:
        Unanswered: no answer came.

    """
    answer = await request(client, "$SYS.REQ.USER.INFO", within=within)
    return bool(msgspec.json.decode(answer.data)["server"].get("cluster"))


async def wait_for_replicas(client: Client, stream: str, last: int) -> set[str]:
    """Wait until every server that has a replica has position *last*; return which have not.

    Those that are away are not waited for.

    Raises:
        ApiError, Unanswered: JetStream refuses, or does not answer.

    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    missing = await _servers(client, stream)
    while last and missing and asyncio.get_running_loop().time() < deadline:
        missing.discard(await _server_with(client, stream, last))
        await asyncio.sleep(PAUSE)
    return missing if last else set()


async def _servers(client: Client, stream: str) -> set[str]:
    info = await api(client, f"STREAM.INFO.{stream}", {}, within=WITHIN)
    cluster: Mapping[str, Any] = info.get("cluster") or {}
    others = {r["name"] for r in cluster.get("replicas") or [] if not r.get("offline")}
    return others | {cluster["leader"]} if others else set()


async def _server_with(client: Client, stream: str, position: int) -> str:
    """Return a server, drawn by NATS, that has a message; nothing when that one has it not."""
    start = {"deliver_policy": "by_start_sequence", "opt_start_seq": position}
    config = ephemeral_consumer(start, inactive_after=WITHIN)
    request = {"stream_name": stream, "config": config}
    made = await api(client, f"CONSUMER.CREATE.{stream}", request, within=WITHIN)
    await api(client, f"CONSUMER.DELETE.{stream}.{made['name']}", {}, within=WITHIN)
    return str(made["cluster"]["leader"]) if made["num_pending"] else ""
