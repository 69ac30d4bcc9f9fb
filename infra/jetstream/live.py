"""Live copies of a run's events and progress, as the log republishes them: at most once."""

from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from events import subjects
from events.codec import UnknownEventType, UnreadableEvent
from events.envelope import AnyRecorded
from infra.jetstream.event_store import from_direct

OnEvent = Callable[[AnyRecorded, int], None]
"""Told an event and the position of the one before it in the same aggregate."""

OnProgress = Callable[[bytes], None]
Stop = Callable[[], Awaitable[None]]


class Live:
    """Where live copies are heard."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def listen(self, aggregate: str, on_event: OnEvent, on_progress: OnProgress) -> Stop:
        """Hear what happens to a run from now on; give the way to stop.

        What is asked of the log on the same connection afterwards is newer than the first copy.
        """

        async def hear_event(message: Msg) -> None:
            try:
                recorded = from_direct(message)
            except (UnknownEventType, UnreadableEvent):
                return
            on_event(recorded, int((message.headers or {}).get("Nats-Last-Sequence", "0")))

        async def hear_progress(message: Msg) -> None:
            on_progress(message.data)

        run_id = aggregate.partition("-")[2]
        heard: list[Subscription] = [
            await self._client.subscribe(subjects.live(aggregate), cb=hear_event),
            await self._client.subscribe(subjects.live_progress(run_id), cb=hear_progress),
        ]

        async def stop() -> None:
            for subscription in heard:
                await subscription.unsubscribe()

        return stop

    @property
    def reconnects(self) -> int:
        """How often the connection was lost: copies were lost with it."""
        return self._client.stats["reconnects"]
