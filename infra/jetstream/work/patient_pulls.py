"""Pull subscriptions that do not ask in a hot loop, and know since when they wait for an answer."""

import asyncio
import time
from typing import Any

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from typing_extensions import override

from infra.jetstream.connection import Client

PAUSE = 0.25
"""Seconds after a question that could not be answered."""


class PatientJetStream(JetStreamContext):
    """JetStream whose pull subscriptions pause after an error.

    FastStream asks again at once. While a consumer has no leader, each of its loops then asks 700
    times a second; when the connection is closed for good, they never let anything else run.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._client = client
        self._asked: dict[object, float] = {}

    @property
    def longest_wait(self) -> float:
        """Seconds since the oldest question that has not been answered; it expires long before."""
        now = time.monotonic()
        return max((now - asked for asked in self._asked.values()), default=0.0)

    @override
    async def pull_subscribe_bind(
        self, *arguments: Any, **options: Any
    ) -> JetStreamContext.PullSubscription:
        subscription = await super().pull_subscribe_bind(*arguments, **options)
        fetch = subscription.fetch

        async def fetch_patiently(*arguments: Any, **options: Any) -> list[Msg]:
            if not self._client.is_connected:
                # It would be kept and sent later with all others, each good for one more message.
                await asyncio.sleep(PAUSE)
                raise nats.errors.TimeoutError
            question = object()
            self._asked[question] = time.monotonic()
            try:
                return await fetch(*arguments, **options)
            except nats.errors.TimeoutError:
                raise  # There was no work for so long.
            except nats.errors.Error:
                await asyncio.sleep(PAUSE)
                raise
            finally:
                del self._asked[question]

        subscription.fetch = fetch_patiently  # type: ignore[method-assign]
        return subscription
