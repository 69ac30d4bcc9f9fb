"""Waits for the end of a run, for clients that prefer one long answer."""

import asyncio
from contextlib import suppress

from app.live.broadcaster import Broadcaster
from app.live.subscription import Topic
from events.aggregates import RUN
from events.run.state import Run
from infra.event_store import EventStore, LogUnavailable, Session


async def wait_until_ended(
    broadcaster: Broadcaster, store: EventStore, run: Run, position: int, seconds: float
) -> tuple[Run, int]:
    """Return the run when it has ended, or as it is after that many seconds."""
    session = Session(store, RUN, run.id)
    session.state, session.position = run, position
    topic = Topic(aggregates=[session.name], patient=True)
    with suppress(TimeoutError, LogUnavailable):
        async with asyncio.timeout(seconds):
            with broadcaster.follow(topic, after=position) as subscription:
                while not (session.state.ended or subscription.closed):
                    if (await subscription.next()).frames:
                        await session.load()
    return session.state, session.position
