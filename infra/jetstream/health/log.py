"""How the log's server is: its version, its clock, its streams, and whether it can write."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from events.subjects import LOG, PROBE, WRITE_PROBE
from infra.jetstream.calls import api, checked, request
from infra.jetstream.connection import Client
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.streams.declared import differences

WRITE_WITHIN = 2.0
"""Seconds a write may take. A stream that cannot write says nothing at all."""

_PROBE_BODY = bytes(8192)
"""More than a page of the disk: less may still fit in where the last write has left some room."""


class LogHealth(Struct, frozen=True, kw_only=True):
    """What the server says of itself."""

    version: tuple[int, ...]
    largest_message: int
    """Bytes."""

    differing: dict[str, tuple[str, ...]]
    """Streams that are not as declared, and in which fields."""

    writable: bool = True
    """Whether a message was stored just now."""

    position: int = 0
    """Of the last event."""

    clock_ahead: timedelta | None = None
    """By how much the server's clock is before ours; unknown without a log."""


class LogCheck:
    """Asks the server that a connection leads to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def look(self) -> LogHealth | None:
        """Ask; None when NATS does not answer."""
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
            # Now, and not when all is known: what else is asked may take seconds.
            ahead = datetime.fromisoformat(info["ts"]) - datetime.now(UTC)
            writable = "missing" in differing.get(PROBE, ()) or await self.can_write()
        except (Unanswered, ApiError):
            return None
        return replace(
            health,
            writable=writable,
            position=info["state"]["last_seq"],
            clock_ahead=ahead,
        )

    async def can_write(self) -> bool:
        """Write for real, in a stream of its own, which does not grow.

        On a full disk NATS answers every question as always, but stores nothing; and a stream that
        could not be written once is not written before a restart, whatever room was made.
        """
        try:
            answer = await request(self._client, WRITE_PROBE, _PROBE_BODY, within=WRITE_WITHIN)
            checked(answer.data)
        except (Unanswered, ApiError):
            return False
        return True
