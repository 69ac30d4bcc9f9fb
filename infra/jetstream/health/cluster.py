"""What the doctor asks NATS, through one connection; a fault counts once it was seen twice."""

import asyncio
from datetime import timedelta

from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered, own_errors
from infra.jetstream.health import nodes, replicas, workers
from infra.jetstream.health.nodes import Node
from infra.jetstream.health.replicas import StreamHealth
from infra.jetstream.health.workers import Workers

AGAIN_AFTER = 1.0
"""Seconds after which a replica that was behind, or a stream without a leader, is asked again."""

ANSWER_WITHIN = 2.0
LATELY = timedelta(days=1)


class ClusterHealth:
    """The servers that a connection leads to, and who works for them."""

    def __init__(self, client: Client, nats_url: str) -> None:
        self._client = client
        self._nats_url = nats_url

    async def answers(self) -> bool:
        """Return whether a server answers, whatever JetStream does."""
        try:
            with own_errors():
                async with asyncio.timeout(ANSWER_WITHIN):
                    await self._client.flush()
        except Unanswered:
            return False
        return True

    async def streams(self) -> list[StreamHealth]:
        """Return how every stream is kept."""
        found = await replicas.stream_healths(self._client)
        if not all(map(_is_well, found)):
            await asyncio.sleep(AGAIN_AFTER)
            found = await replicas.stream_healths(self._client)
        return found

    async def log_stream(self) -> StreamHealth | None:
        """Return how the log itself is kept, at the first look."""
        return await replicas.log_health(self._client)

    async def nodes(self) -> list[Node]:
        """Return the servers that are known."""
        return await nodes.look_at_nodes(self._client, self._nats_url)

    async def storage_in_use(self) -> float:
        """Return the share of the account's storage that is in use; 0 where that is not known."""
        try:
            return await replicas.storage_in_use(self._client)
        except (Unanswered, ApiError):
            return 0.0

    async def workers(self) -> Workers | None:
        """Return who asks for work; None when JetStream does not answer."""
        try:
            return await workers.look_at_workers(self._client)
        except (Unanswered, ApiError):
            return None

    async def worker_listens(self) -> bool | None:
        """Return whether any worker receives what happens; None when JetStream does not answer."""
        try:
            return await workers.worker_listens(self._client)
        except (Unanswered, ApiError):
            return None

    async def dead_letters(self) -> int:
        """Count the work that was given up lately; 0 when JetStream does not answer."""
        try:
            return await workers.dead_letters(self._client, during=LATELY)
        except (Unanswered, ApiError):
            return 0


def _is_well(stream: StreamHealth) -> bool:
    return bool(stream.leader) and not any(r.silent or r.behind for r in stream.replicas)
