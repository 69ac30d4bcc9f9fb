"""Whether JetStream answers over a connection, and whether it is the connection's fault if not."""

import time
from collections.abc import Awaitable, Callable

from infra.nats_connection import UNANSWERED, ApiError, Client, api, connect
from infra.telemetry.watchdog import OK, GaveUp

ANSWER_WITHIN = 3.0
"""Seconds that JetStream may take for an answer."""

PATIENCE = 10.0
"""Seconds for which JetStream may answer others, but not us, before we give up."""

AWAY = "away"

Answers = Callable[[], Awaitable[bool]]


async def answers(client: Client) -> bool:
    """Whether JetStream answers over *client*."""
    if not client.is_connected:
        # What is sent now would only wait in the buffer, with all that was sent before.
        return False
    try:
        await api(client, "INFO", {}, within=ANSWER_WITHIN)
    except ApiError:
        return True
    except UNANSWERED:
        return False
    return True


async def _answers_anew(url: str) -> bool:
    ...


class ConnectionCheck:
    """Watch one connection: renew it when it is silent, give up when even that does not help.

    nats-py reconnects by itself, but not always: an error that its own code does not expect ends the
    task that does it, and the connection then stays as it is for ever.
    """

    def __init__(
        self,
        answers: Answers,
        *,
        another_answers: Answers,
        renew: Callable[[], Awaitable[None]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answers = answers
        self._another_answers = another_answers
        self._renew = renew
        self._now = now
        self._alone_since: float | None = None

    async def __call__(self) -> str:
        """Return `ok` or `away`.

        Raises:
            GaveUp: a new connection has been answered for a while, and this one has not.

        """
        if await self._answers():
            self._alone_since = None
            return OK
        if not await self._another_answers():
            self._alone_since = None
            return AWAY
        if self._alone_since is None:
            self._alone_since = self._now()
            await self._renew()
        elif self._now() - self._alone_since > PATIENCE:
            raise GaveUp("NATS answers a new connection, but not this one")
        return AWAY
