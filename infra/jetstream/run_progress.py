"""Publisher of the progress of runs: at most four messages a second for each, never a fact."""

import time
from uuid import UUID

import msgspec
from msgspec.structs import replace

from events import subjects
from events.run.progress import Progress
from infra.jetstream.calls import send
from infra.jetstream.connection import Client

MIN_INTERVAL = 0.25
"""Seconds between two words about one run."""

_encode = msgspec.json.Encoder().encode


class ProgressSender:
    """Sends one run's progress; drops what comes too fast."""

    def __init__(self, client: Client, run_id: UUID) -> None:
        self._client = client
        self._run_id = str(run_id)
        self._subject = subjects.live_progress(self._run_id)
        self._sent_at = 0.0

    async def send(self, progress: Progress) -> None:
        """Pass *progress* on, unless the last was less than a quarter of a second ago.

        Raises:
            Unanswered: there is no connection.

        """
        now = time.monotonic()
        if now - self._sent_at < MIN_INTERVAL or not self._client.is_connected:
            return
        self._sent_at = now
        # No answer is waited for: a lost hint is replaced by the next.
        named = replace(progress, run_id=self._run_id)
        await send(self._client, self._subject, _encode(named))
