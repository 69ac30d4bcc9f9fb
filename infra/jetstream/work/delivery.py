"""A message as a consumer was given it, and the one answer to it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from faststream.nats.message import NatsMessage

from events.envelope import AnyRecorded
from infra.jetstream.errors import Unanswered, own_errors
from infra.jetstream.event_store import from_log


class Delivery:
    """One message that was delivered to this process.

    An answer that does not get through is not tried again: unanswered, the message comes again.
    """

    def __init__(self, message: NatsMessage) -> None:
        self._message = message
        self._raw = message.raw_message

    @property
    def subject(self) -> str:
        """Where the message was sent to."""
        return self._raw.subject

    @property
    def body(self) -> bytes:
        """What was sent."""
        return self._raw.data

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; empty where there are none."""
        return self._raw.headers or {}

    @property
    def number(self) -> int:
        """How often the message was delivered, this time included."""
        return self._raw.metadata.num_delivered

    @property
    def position(self) -> int:
        """Where the message is in its stream."""
        return self._raw.metadata.sequence.stream

    @property
    def id(self) -> str:
        """The name of the message among all of a consumer's."""
        place = self._raw.metadata
        return f"{place.stream}:{place.consumer}:{place.sequence.stream}"

    @property
    def recorded(self) -> AnyRecorded:
        """The event in a message of the log.

        Raises:
            UnknownEventType, UnreadableEvent: this version does not know it.

        """
        return from_log(self._raw)

    async def ack(self) -> None:
        """Acknowledge: it is done."""
        with suppress(Unanswered), own_errors():
            await self._message.ack()

    async def ack_sync(self) -> None:
        """Acknowledge, and wait until the server knows."""
        with suppress(Unanswered), own_errors():
            await self._message.ack_sync()

    async def nack(self, *, delay: float) -> None:
        """Ask for it again after *delay* seconds."""
        with suppress(Unanswered), own_errors():
            await self._message.nack(delay=delay)

    async def in_progress(self) -> None:
        """Keep it from others for as long again."""
        with suppress(Unanswered), own_errors():
            await self._message.in_progress()


OnDelivery = Callable[[Delivery], Awaitable[None]]
"""Does what a message is about, and answers it."""
