"""Wait for the end of a run, for clients that prefer one long answer."""

import asyncio
from contextlib import suppress

from app.live.broadcaster import Broadcaster
from app.live.subscription import Topic
from app.reads.runs.recent_writes import RecentWrites
from events.aggregates import RUN
from events.run.state import Run
from infra.event_store import EventStore, LogUnavailable, Session


class RunWaiter:
    """Waits for runs of this process's clients."""

    def __init__(self, broadcaster: Broadcaster, store: EventStore, recent: RecentWrites) -> None:
        self._broadcaster = broadcaster
        self._store = store
        self._recent = recent

    async def wait(self, run: Run, position: int, seconds: float) -> tuple[Run, int]:
        """Return the run when it has ended, or as it is after that many seconds."""
        session = Session(self._store, RUN, run.id)
        session.state, session.position = run, position
        topic = Topic(aggregates=[session.name], patient=True)
        with suppress(TimeoutError, LogUnavailable):
            async with asyncio.timeout(seconds):
                with self._broadcaster.follow(topic, after=position) as subscription:
                    while not (session.state.ended or subscription.closed):
                        if (await subscription.next()).frames:
                            await session.load()
        self._recent.note(run.id, session.position)
        return session.state, session.position
