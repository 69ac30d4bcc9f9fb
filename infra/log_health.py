"""How the log's server is: its version, its clock, and whether the streams are as declared."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from nats.aio.client import Client

from events.subjects import LOG
from infra.nats_connection import UNANSWERED, ApiError, api
from infra.streams import differences


class LogHealth(Struct, frozen=True, kw_only=True):
    """What the server says of itself."""

    version: tuple[int, ...]
    largest_message: int
    """Bytes."""

    differing: dict[str, tuple[str, ...]]
    """Streams that are not as declared, and in which fields."""

    position: int = 0
    """Of the last event."""

    time: datetime | None = None
    """The server's clock; unknown without a log."""


class LogCheck:
    """Asks the server that a connection leads to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def look(self) -> LogHealth | None:
        """Ask; None when nobody answers."""
        try:
            differing = await differences(self._client)
            server = self._client.connected_server_version
            health = LogHealth(
                version=(server.major, server.minor, server.patch),
                largest_message=self._client.max_payload,
                differing=differing,
            )
            if "missing" in differing.get(LOG, ()):
                return health
            info = await api(self._client, f"STREAM.INFO.{LOG}", {}, within=5)
        except (*UNANSWERED, ApiError):
            return None
        return replace(
            health, position=info["state"]["last_seq"], time=datetime.fromisoformat(info["ts"])
        )
