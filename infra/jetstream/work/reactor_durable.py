"""The durable consumer by which workers receive facts, kept whatever happens to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from events.subjects import LOG
from infra.event_store import LogUnavailable
from infra.jetstream.calls import api
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import CONSUMER_EXISTS, NO_CONSUMER
from infra.jetstream.errors import ApiError, Unanswered

REACTOR = "reactor"
"""Its name, and that of the group of workers that share it."""

IN_FLIGHT = 256
ACK_WAIT = 5

LOOKS_BACK = timedelta(minutes=1)
"""A new one begins with what has just happened; all that is older is looked up in the log itself
(consumers/maintenance/reconcile.py), and not delivered for every run that ever was."""


class ReactorDurable:
    """The durable, seen through one connection."""

    def __init__(self, client: Client, *, within: float = 5.0) -> None:
        self._client = client
        self._within = within
        self._config: dict[str, Any] = {
            "durable_name": REACTOR,
            "deliver_subject": f"deliver.{REACTOR}",
            "deliver_group": REACTOR,
            "filter_subject": "ev.*.*.*",
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT * 1e9),
            "max_ack_pending": IN_FLIGHT,
        }

    async def keep(self) -> bool:
        """Make it where it is missing; return whether that was so.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        try:
            return await self._keep()
        except (Unanswered, ApiError) as error:
            raise LogUnavailable(f"the reactor's consumer: {error!r}") from error

    async def _keep(self) -> bool:
        try:
            info = await api(
                self._client, f"CONSUMER.INFO.{LOG}.{REACTOR}", {}, within=self._within
            )
        except ApiError as error:
            if error.code != NO_CONSUMER:
                raise
        else:
            # Workers listen where it delivers to, so one that is made anew must deliver there too.
            self._config |= {"deliver_subject": info["config"]["deliver_subject"]}
            return False
        return await self._make()

    async def _make(self) -> bool:
        since = datetime.now(UTC) - LOOKS_BACK
        start = {"deliver_policy": "by_start_time", "opt_start_time": since.isoformat()}
        request = {"stream_name": LOG, "config": self._config | start, "action": "create"}
        try:
            operation = f"CONSUMER.CREATE.{LOG}.{REACTOR}"
            await api(self._client, operation, request, within=self._within)
        except ApiError as error:
            if error.code != CONSUMER_EXISTS:
                raise
            return False  # Another worker was faster.
        return True
