"""Waits for the end of a run, for clients that prefer one long answer."""

import asyncio
from contextlib import suppress

from app.house import House
from events.decider import RUN
from events.run import Run
from infra.event_store import LogUnavailable, Session

LOOK_AGAIN = 5.0
"""Seconds between looks into the log, should a live copy be lost."""


async def wait_until_ended(
    house: House, run: Run, position: int, seconds: float
) -> tuple[Run, int]:
    """Give the run when it has ended, or as it is after that many seconds."""
    session = Session(house.store, RUN, run.id)
    session.state, session.position = run, position
    name = session.name
    follower = await house.hub.join(name)
    try:
        with suppress(TimeoutError, LogUnavailable):
            async with asyncio.timeout(seconds):
                await session.load()
                while not (session.state.ended or follower.closed):
                    woken = await follower.wait(LOOK_AGAIN)
                    frames, _ = follower.take()
                    if frames or follower.missed or not woken:
                        follower.missed = False
                        await session.load()
    finally:
        house.hub.leave(name, follower)
    return session.state, session.position
