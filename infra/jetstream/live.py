"""Live copies of events and progress, which NATS passes on at most once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from nats.aio.msg import Msg

from events import subjects
from infra.event_store import LogUnavailable
from infra.jetstream.calls import subscribe, unsubscribe
from infra.jetstream.connection import Client
from infra.jetstream.errors import Unanswered

OnProgress = Callable[[bytes], None]
Stop = Callable[[], Awaitable[None]]


class LiveProgress:
    """Subscriptions to the progress of runs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def listen(self, run_id: UUID, on_progress: OnProgress) -> Stop:
        """Call *on_progress* for all progress of a run from now on; return what stops that.

        Raises:
            LogUnavailable: there is no connection.

        """

        async def hear(message: Msg) -> None:
            on_progress(message.data)

        try:
            subscription = await subscribe(self._client, subjects.live_progress(str(run_id)), hear)
        except Unanswered as error:
            raise LogUnavailable("NATS does not answer") from error
        return partial(unsubscribe, subscription)


async def listen_to_all_progress(client: Client, on_progress: Callable[[str, bytes], None]) -> None:
    """Call *on_progress* with the id of a run and its progress, as long as *client* is open.

    Raises:
        Unanswered: there is no connection.

    """

    async def hear(message: Msg) -> None:
        on_progress(message.subject.rsplit(".", 1)[1], message.data)

    await subscribe(client, subjects.live_progress("*"), hear)


@asynccontextmanager
async def heard(client: Client, aggregate: str, type_name: str) -> AsyncIterator[asyncio.Event]:
    """Yield what is set when an event of this type is recorded in the aggregate.

    Raises:
        Unanswered: there is no connection.

    """
    news = asyncio.Event()

    async def hear(message: Msg) -> None:
        if (message.headers or {}).get("ce-type") == type_name:
            news.set()

    subscription = await subscribe(client, subjects.live(aggregate), hear)
    try:
        yield news
    finally:
        await unsubscribe(subscription)
