"""Leaves one node of a cluster behind, for good."""

import asyncio
from collections.abc import Collection

from events.subjects import INPUTS, LOG
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from tests.network.route_proxies import RouteProxies
from tests.servers.nats_cluster import NODES, leader_of


async def leave_one_behind(
    client: Client, proxies: RouteProxies, *, among: Collection[int] = range(NODES)
) -> int:
    """Keep what follows in the log and the private data from one node; return which."""
    leaders = await leaders_of_both(client)
    [node, *_] = [number for number in among if number not in leaders]
    for stream in (LOG, INPUTS):
        info = await api(client, f"STREAM.INFO.{stream}", {}, within=5)
        proxies.hold(f"node{node}", info["cluster"]["raft_group"])
    return node


async def leaders_of_both(client: Client) -> set[int]:
    """Return the nodes that lead the log and the private data."""
    return {await leader_of(client, stream) for stream in (LOG, INPUTS)}


async def until_unknown(client: Client, stream: str, subject: str) -> None:
    """Wait until a replica says that it does not have what was written just now."""
    async with asyncio.timeout(40):
        while await is_found(client, stream, subject):  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0.02)


async def is_found(client: Client, stream: str, subject: str) -> bool:
    """Ask any replica for the last message of a subject."""
    answer = await client.request(f"$JS.API.DIRECT.GET.{stream}.{subject}", timeout=5)
    return "Nats-Sequence" in (answer.headers or {})
