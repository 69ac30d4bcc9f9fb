"""Whether JetStream answers over a connection; if not, whether that is the connection's fault."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from infra.event_store import LogUnavailable
from infra.jetstream.calls import api
from infra.jetstream.connection import Client, connected
from infra.jetstream.errors import ApiError, NatsError, Unanswered
from infra.telemetry.watchdog import OK, Check, GaveUp

ANSWER_WITHIN = 3.0
"""Seconds that JetStream may take for an answer."""

RENEW_AFTER = 2.0
"""Seconds for which JetStream may answer a new connection, but not ours, before ours is renewed."""

PATIENCE = 10.0
"""Seconds for which JetStream may answer a new connection, but not ours, before we give up."""

AWAY = "away"

Answers = Callable[[], Awaitable[bool]]


@contextmanager
def starting() -> Iterator[None]:
    """Raise where JetStream does not answer, as while it has no leader: a new start may find it.

    Raises:
        GaveUp: it did not.

    """
    try:
        yield
    except (LogUnavailable, NatsError, TimeoutError, ConnectionError) as error:
        raise GaveUp(f"JetStream did not answer at the start: {error!r}") from error


def connection_check(client: Client, url: str) -> Check:
    """Watch *client*, which is connected to the servers in *url*."""

    async def another_answers() -> bool:
        try:
            async with asyncio.timeout(ANSWER_WITHIN), connected(url, name="watchdog") as another:
                return await answers(another)
        except (Unanswered, TimeoutError):
            return False

    async def ours() -> bool:
        return await answers(client)

    return ConnectionCheck(ours, another_answers, renew=client.force_reconnect).look


async def answers(client: Client) -> bool:
    """Whether JetStream answers over *client*."""
    if not client.is_connected:
        # What is sent now would only lengthen what waits to be sent.
        return False
    try:
        await api(client, "INFO", {}, within=ANSWER_WITHIN)
    except ApiError:
        return True
    except Unanswered:
        return False
    return True


class ConnectionCheck:
    """Watch one connection: renew it when it alone is silent; give up when that does not help.

    nats-py reconnects by itself, but not always: an error that it does not expect there ends the
    task that reconnects, and one connection is silent for ever.
    """

    def __init__(
        self,
        ours: Answers,
        another: Answers,
        *,
        renew: Callable[[], Awaitable[None]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Compare *ours* with *another*, opened again for each look."""
        self._ours = ours
        self._another = another
        self._renew = renew
        self._now = now
        self._alone_since: float | None = None
        self._renewed = False

    async def look(self) -> str:
        """Return `ok` or `away`.

        Raises:
            GaveUp: for too long only new connections have been answered.

        """
        if await self._ours():
            self._alone_since = None
            return OK
        if not await self._another():
            self._alone_since = None
            return AWAY
        if self._alone_since is None:
            self._alone_since, self._renewed = self._now(), False
        alone = self._now() - self._alone_since
        if alone >= PATIENCE:
            raise GaveUp("NATS answers new connections, and this one no more")
        if alone >= RENEW_AFTER and not self._renewed:
            self._renewed = True
            await self._renew()
        return AWAY
