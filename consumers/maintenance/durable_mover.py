"""Moves durable consumers away from nodes whose replica has stopped following its leader.

A durable delivers what the replica of its own node has. On one that stands still it delivers
nothing more, without a word, and work waits that no worker gets (docs/adr/0023).
"""

import asyncio
import logging
import random
from collections.abc import Iterable
from contextlib import suppress

from events import subjects
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.health.replicas import StreamHealth, stream_healths
from infra.jetstream.work.durables import durables_led_by, move_durable

log = logging.getLogger(__name__)

EVERY = 3.0
"""Seconds between two looks, more or less: workers that were started together drift apart."""

STANDS_STILL = 2
"""Looks in a row that found a replica behind, and no further than at the look before."""

AGAIN = 10
"""Looks from one move to the next while it stands still: each asks the leaders of all durables."""

_WITH_DURABLES = {subjects.LOG, subjects.WORK}


class DurableMover:
    """Watches for replicas that stand still, and moves the durables that are led there."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reached: dict[tuple[str, str], int] = {}
        """How far each replica that is behind had come, by stream and node."""

        self._still: dict[tuple[str, str], int] = {}
        """Looks in a row since it came further."""

    async def keep_up(self, stop: asyncio.Event) -> None:
        """Look now and again, until *stop*."""
        while not stop.is_set():
            try:
                await self.look()
            except (Unanswered, ApiError) as error:
                log.info("durable_mover.postponed", extra={"error": repr(error)})
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY * random.uniform(0.7, 1.3)):  # noqa: S311 -- jitter
                    await stop.wait()

    async def look(self) -> list[str]:
        """Move the durables of each replica that stands still; return the names of those moved.

        Raises:
            Unanswered, ApiError: not everything was looked at; look again.

        """
        moved: list[str] = []
        for stream, node in self.standing_still(await stream_healths(self._client)):
            for name in await durables_led_by(self._client, stream, node):
                await move_durable(self._client, stream, name)
                log.warning(
                    "consumer.moved", extra={"stream": stream, "consumer": name, "server": node}
                )
                moved.append(name)
        return moved

    def standing_still(self, streams: Iterable[StreamHealth]) -> list[tuple[str, str]]:
        """Take in how the streams are; return the streams and nodes to leave now."""
        for stream in streams:
            if stream.name in _WITH_DURABLES:
                self._note(stream)
        return [place for place, looks in self._still.items() if looks % AGAIN == STANDS_STILL]

    def _note(self, stream: StreamHealth) -> None:
        for replica in stream.replicas:
            place = (stream.name, replica.node)
            if not replica.behind:
                self._reached.pop(place, None)
                self._still.pop(place, None)
                continue
            reached = stream.last - replica.behind
            moves = reached > self._reached.get(place, reached - 1)
            self._still[place] = 0 if moves else self._still[place] + 1
            self._reached[place] = reached
