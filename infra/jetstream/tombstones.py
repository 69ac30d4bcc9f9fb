"""Tombstones of input images: no new run may use a key that was given up.

Runs of a tenant share an image by its content. The worker that erases its last run cannot know of
a run that is being accepted at that moment and has just found the image in storage. So a key is
given up first, for ever; a process that accepts a run looks whether its keys are still good, last
thing before the run is recorded. After GRACE every run that looked in time is in the log, and
whether any run uses the image can be decided for good.
"""

import hashlib
from datetime import datetime, timedelta

from events import subjects
from infra.event_store import LogUnavailable
from infra.jetstream.calls import checked, request
from infra.jetstream.connection import Client
from infra.jetstream.error_codes import SUBJECT_FULL
from infra.jetstream.errors import ApiError, Unanswered
from infra.jetstream.leader import last_of_subject

GRACE = timedelta(seconds=30)
"""Longest time between a look at the keys and the run's event in the log. Longer than an append
may take; a process that sleeps between the two for longer than this may lose the image."""


class Tombstones:
    """Keys that were given up: a message each, in the stream of private data."""

    def __init__(self, client: Client, *, within: float = 5.0) -> None:
        self._client = client
        self._within = within

    async def give_up(self, key: str) -> datetime:
        """Mark *key* as deleted; return when that was done first.

        Raises:
            LogUnavailable: not confirmed in time.

        """
        try:
            answer = await request(self._client, _subject(key), within=self._within)
            checked(answer.data)
        except ApiError as error:
            if error.code != SUBJECT_FULL:
                raise LogUnavailable(str(error)) from error
        except Unanswered as error:
            raise LogUnavailable("giving up was not confirmed") from error
        since = await self._since(key)
        if since is None:
            raise LogUnavailable("what was given up is not there")
        return since

    async def contains(self, key: str) -> bool:
        """Whether *key* was given up.

        Raises:
            LogUnavailable: NATS does not answer.

        """
        return await self._since(key) is not None

    async def _since(self, key: str) -> datetime | None:
        # From the leader: a replica that lags behind would call a key good that is not.
        mark = await last_of_subject(
            self._client, subjects.INPUTS, _subject(key), within=self._within
        )
        return mark.stored_at if mark else None


def _subject(key: str) -> str:
    return subjects.given_up(hashlib.sha256(key.encode()).hexdigest()[:32])
