"""Many aggregates of the log at once: where each stands, and what happens to any of them."""

from collections.abc import AsyncGenerator, Sequence

import msgspec
from nats.aio.client import Client

from events.envelope import AnyRecorded, Entry
from events.subjects import LOG, subject
from infra.event_store import LogUnavailable
from infra.jetstream_event_store import from_direct
from infra.log_reader import head, read_log
from infra.nats_connection import UNANSWERED, ApiError, next_message

HEADROOM = 8_192
"""Bytes of a message that an event's headers may take."""

_END = {"204", "404"}
"""There is no more; there is nothing."""


class LogGroups:
    """Groups of aggregates, seen through one connection."""

    def __init__(self, client: Client, *, within: float = 5.0) -> None:
        self._client = client
        self._within = within

    @property
    def room(self) -> int:
        """Bytes that the body of an event may have."""
        return self._client.max_payload - HEADROOM

    async def head(self) -> int:
        """Give the position of the log's last event.

        Raises:
            LogUnavailable: the log does not answer.

        """
        try:
            return await head(self._client)
        except (*UNANSWERED, ApiError) as error:
            raise LogUnavailable("the log does not answer") from error

    async def last_events(self, aggregates: Sequence[str], *, until: int) -> list[AnyRecorded]:
        """Give the last event of each at position *until*; those that had none are left out.

        There may be 1,024 aggregates: JetStream gives no more at a time.

        Raises:
            LogUnavailable: the log does not answer.

        """
        if not aggregates or not until:
            return []
        request = {"multi_last": [subject(name) for name in aggregates], "up_to_seq": until}
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        found: list[AnyRecorded] = []
        try:
            await self._client.publish(
                f"$JS.API.DIRECT.GET.{LOG}", msgspec.json.encode(request), reply=inbox
            )
            while True:
                message = await next_message(subscription, within=self._within)
                headers = message.headers or {}
                if headers.get("Status") in _END:
                    return found
                if "Nats-Sequence" not in headers:
                    raise LogUnavailable(f"the log says {headers.get('Description', 'nothing')}")
                found.append(from_direct(message))
        except UNANSWERED as error:
            raise LogUnavailable("the log does not answer") from error
        finally:
            await subscription.unsubscribe()

    def follow(
        self, aggregates: Sequence[str], *, after: int, limit: int
    ) -> AsyncGenerator[list[Entry], None]:
        """Yield what happens to any of them beyond position *after*; see read_log."""
        return read_log(self._client, after=after, limit=limit, aggregates=aggregates)
