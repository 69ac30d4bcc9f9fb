"""The durable consumers of a stream: which node leads each, and how another becomes its leader."""

from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.listing import list_consumers

WITHIN = 5.0
"""Seconds for an answer: each consumer's leader is asked."""


async def durables_led_by(client: Client, stream: str, node: str) -> list[str]:
    """Return the names of the durables whose leader is *node*.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    return [
        consumer["name"]
        async for consumer in list_consumers(client, stream, within=WITHIN)
        if consumer["config"].get("durable_name")
        and consumer.get("cluster", {}).get("leader") == node
    ]


async def move_durable(client: Client, stream: str, name: str) -> None:
    """Make another node lead a durable; it goes on where it was.

    Raises:
        Unanswered: NATS does not answer.
        ApiError: JetStream refused.

    """
    await api(client, f"CONSUMER.LEADER.STEPDOWN.{stream}.{name}", {}, within=WITHIN)
