"""Many aggregates of the log at once: where each stands, and what happens to any of them."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import suppress

import msgspec
from nats.aio.msg import Msg

from events.envelope import AnyRecorded, Entry
from events.subjects import LOG, subject
from infra.event_store import LogUnavailable
from infra.jetstream.calls import next_message, send, subscribed
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.event_store import from_direct
from infra.jetstream.leader import REPLICA_WITHIN, message_at
from infra.jetstream.log.reader import LogHead, head, read_log

HEADROOM = 8_192
"""Bytes of a message that an event's headers may take."""

TRIES = 10
"""Replicas that are asked one after the other, at random: of three, one may lag behind for long."""

_END = {"204", "404"}
"""There is no more; there is nothing."""


class LogReader:
    """Reads many aggregates of the log at once, through one connection."""

    def __init__(self, client: Client, *, within: float = 5.0) -> None:
        self._client = client
        self._within = within
        self._head = LogHead(client)

    @property
    def max_body(self) -> int:
        """Bytes that the body of an event may have."""
        return self._client.max_payload - HEADROOM

    async def head(self) -> int:
        """Return the position of the log's last event.

        Raises:
            LogUnavailable: the log does not answer.

        """
        try:
            return await head(self._client)
        except (Unanswered, ApiError) as error:
            raise LogUnavailable("the log does not answer") from error

    async def last_events(self, aggregates: Sequence[str], *, until: int) -> list[AnyRecorded]:
        """Return the last event of each at position *until*; those that had none are left out.

        There may be 1,023 aggregates: JetStream gives no more at a time.

        Raises:
            LogUnavailable: the log does not answer, or its replicas lag behind.

        """
        if not aggregates or not until:
            return []
        wanted = {subject(name) for name in aggregates}
        # Any replica answers, and one that lags behind leaves out what it has not got. So each is
        # asked for the message at *until* as well: who has that one has all before it.
        witness = await message_at(self._client, LOG, until, within=self._within)
        if witness is None:
            raise LogUnavailable(f"the log has no position {until}")
        for _ in range(TRIES):
            found = await self._last_messages(wanted | {witness.subject}, until)
            if any(_position(message) == until for message in found):
                return [from_direct(m) for m in found if _subject(m) in wanted]
        raise LogUnavailable("the log's replicas lag behind")

    async def _last_messages(self, names: Collection[str], until: int) -> list[Msg]:
        """Ask some replica for the last message of each subject; it may not have all of them."""
        question = {"multi_last": list(names), "up_to_seq": until}
        within = min(REPLICA_WITHIN, self._within)
        found: list[Msg] = []
        with suppress(Unanswered):
            async with subscribed(self._client, self._client.new_inbox()) as answers:
                await send(
                    self._client,
                    f"$JS.API.DIRECT.GET.{LOG}",
                    msgspec.json.encode(question),
                    reply=answers.subject,
                )
                while True:
                    message = await next_message(answers, within=within)
                    headers = message.headers or {}
                    if headers.get("Status") in _END:
                        return found
                    if "Nats-Sequence" not in headers:
                        reason = headers.get("Description", "nothing")
                        raise LogUnavailable(f"the log says {reason}")
                    found.append(message)
        return []

    def follow(
        self, aggregates: Sequence[str], *, after: int, limit: int
    ) -> AsyncGenerator[list[Entry], None]:
        """Yield what happens to any of them beyond position *after*; see read_log."""
        return read_log(
            self._client, after=after, limit=limit, aggregates=aggregates, log_head=self._head
        )


def _position(message: Msg) -> int:
    return int((message.headers or {})["Nats-Sequence"])


def _subject(message: Msg) -> str:
    return (message.headers or {})["Nats-Subject"]
