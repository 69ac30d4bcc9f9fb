"""FastStream's broker on a connection of ours (docs/adr/0025)."""

import asyncio
from types import TracebackType
from typing import Any

from faststream import AckPolicy
from faststream.nats import NatsBroker, PullSub
from typing_extensions import override

from infra.jetstream.connection import UNANSWERED, Client, connect
from infra.jetstream.work.patient_pulls import PatientJetStream
from infra.telemetry.watchdog import OK, GaveUp

PULL = PullSub(timeout=2.0)
"""How a loop asks for work. A question is lost when its consumer gets another leader: the next one
must not come much later."""

UNANSWERED_AFTER = 30.0
"""Seconds a question for work may take; each expires long before."""


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
    async def _connect(self) -> Client:
        connection = await connect(self._url, name=self._name)
        self.config.connect(connection)
        self._pulls = PatientJetStream(connection)
        self.config.connection_state.connect(connection, self._pulls)
        return connection

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
        except* UNANSWERED:
            pass  # A connection that is lost needs no goodbye.
        finally:
            if connection:
                await connection.close()

    async def check_pulls(self) -> str:
        """Return `ok` while every loop that fetches work asks for it or is at it.

        Raises:
            GaveUp: one of them has ended, or hangs.

        """
        for subscriber in self.subscribers:
            # Those that pull have tasks, and those that work on several messages at once.
            tasks: list[asyncio.Task[Any]] = getattr(subscriber, "tasks", [])
            if tasks and all(task.done() for task in tasks):
                raise GaveUp("a loop that fetches work has ended")
        if self._pulls and self._pulls.longest_wait > UNANSWERED_AFTER:
            raise GaveUp(f"a question for work has hung for {self._pulls.longest_wait:.0f} s")
        return OK
