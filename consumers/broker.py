"""FastStream's broker on a connection of ours."""

from typing import Any

from faststream import AckPolicy
from faststream.nats import NatsBroker
from typing_extensions import override

from infra.nats_connection import Client, connect


class Broker(NatsBroker):
    """A broker whose connection comes back whatever a server says.

    FastStream's own raises out of nats-py's error callback when an address refuses its
    credentials. That ends the task that reconnects: the process lives on, and hears nothing more.
    """

    def __init__(self, url: str, *, name: str, **options: Any) -> None:
        super().__init__(url.split(","), ack_policy=AckPolicy.MANUAL, logger=None, **options)
        self._url = url
        self._name = name

    @override
    async def _connect(self) -> Client:
        connection = await connect(self._url, name=self._name)
        self.config.connect(connection)
        return connection
