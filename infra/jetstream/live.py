"""Progress of runs, as workers publish it: heard at most once."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from nats.aio.client import Client
from nats.aio.msg import Msg

from events import subjects

OnProgress = Callable[[bytes], None]
Stop = Callable[[], Awaitable[None]]


class LiveProgress:
    """Where progress is heard."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def listen(self, run_id: UUID, on_progress: OnProgress) -> Stop:
        """Call *on_progress* for all progress of a run from now on; return what stops that."""

        async def hear(message: Msg) -> None:
            on_progress(message.data)

        subscription = await self._client.subscribe(subjects.live_progress(str(run_id)), cb=hear)
        return subscription.unsubscribe
