"""FastStream's broker on a connection of ours (docs/adr/0025); the one place that wires it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from typing_extensions import override

from events import subjects
from infra.event_store import LogUnavailable
from infra.jetstream.connection import Client, connect
from infra.jetstream.errors import SILENT, NatsError, own_errors
from infra.jetstream.work.consumers import KindOfWork
from infra.jetstream.work.delivery import Delivery, OnDelivery
from infra.jetstream.work.patient_pulls import PatientJetStream
from infra.jetstream.work.reactor_durable import REACTOR

PULL = PullSub(timeout=2.0)
"""How a loop asks for work. A question is lost when its consumer gets another leader: the next one
must not come much later."""

UNANSWERED_AFTER = 30.0
"""Seconds a question for work may take; each expires long before."""

Stop = Callable[[], Awaitable[None]]

_LOG = JStream(subjects.LOG, declare=False)
_WORK = JStream(subjects.WORK, declare=False)


class Broker(NatsBroker):
    """A broker whose connection comes back whatever a server says.

    FastStream's own raises out of nats-py's error callback when an address refuses its
    credentials. That ends the task that reconnects: the process lives on, and hears nothing more.
    """

    def __init__(self, url: str, *, name: str, **options: Any) -> None:
        super().__init__(url.split(","), ack_policy=AckPolicy.MANUAL, logger=None, **options)
        self._url = url
        self._name = name
        self._pulls: PatientJetStream | None = None

    @override
    async def connect(self) -> Client:
        connection = await super().connect()
        assert isinstance(connection, Client)  # see _connect
        return connection

    @override
    async def _connect(self) -> Client:
        connection = await connect(self._url, name=self._name)
        self.config.connect(connection)
        self._pulls = PatientJetStream(connection)
        self.config.connection_state.connect(connection, self._pulls)
        return connection

    def hear_events(self, on_delivery: OnDelivery, *, at_once: int) -> None:
        """Take part in the deliveries of new events, which all workers share."""
        # The queue's name is also the durable's.
        subscriber = self.subscriber("ev.*.*.*", stream=_LOG, queue=REACTOR, max_workers=at_once)
        subscriber(_handler(on_delivery))

    def fetch(self, kind: KindOfWork, on_delivery: OnDelivery, *, at_once: int = 1) -> None:
        """Fetch a kind of work in so many loops, from start on."""
        for _ in range(at_once):
            self._loop(kind.subject, kind.consumer, on_delivery)

    async def fetch_now(self, subject: str, consumer: str, on_delivery: OnDelivery) -> Stop:
        """Fetch work in one more loop from now on; return what ends it.

        Raises:
            LogUnavailable: NATS does not answer; there is no such loop.

        """
        loop = self._loop(subject, consumer, on_delivery)

        async def stop() -> None:
            with suppress(NatsError), own_errors():
                await loop.stop()

        try:
            with own_errors():
                await loop.start()
        except NatsError as error:
            await stop()
            raise LogUnavailable(f"{subject}: {error!r}") from error
        return stop

    def _loop(self, subject: str, consumer: str, on_delivery: OnDelivery) -> Any:
        subscriber = self.subscriber(subject, stream=_WORK, durable=consumer, pull_sub=PULL)
        subscriber(_handler(on_delivery))
        return subscriber

    @override
    async def start(self) -> None:
        """Begin with all that was declared before.

        Raises:
            NatsError: NATS does not answer, or JetStream refuses.

        """
        with own_errors():
            await super().start()

    @override
    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        connection = self._connection
        try:
            await super().stop(exc_type, exc_val, exc_tb)
        except* SILENT:
            pass  # A connection that is lost needs no goodbye.
        finally:
            if connection:
                await connection.close()

    def stalled(self) -> str:
        """Return why work is not fetched any more; empty while each loop fetches or does some."""
        for subscriber in self.subscribers:
            # Those that pull have tasks, and those that work on several messages at once.
            tasks: list[asyncio.Task[Any]] = getattr(subscriber, "tasks", [])
            if tasks and all(task.done() for task in tasks):
                return "a loop that fetches work has ended"
        if self._pulls and self._pulls.longest_wait > UNANSWERED_AFTER:
            return f"a question for work has hung for {self._pulls.longest_wait:.0f} s"
        return ""


def _handler(on_delivery: OnDelivery) -> Callable[[NatsMessage], Awaitable[None]]:
    async def on_message(message: NatsMessage) -> None:
        await on_delivery(Delivery(message))

    return on_message
