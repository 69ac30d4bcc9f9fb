"""Waits for the end of a run, for clients that prefer one long answer."""

import asyncio
from contextlib import suppress

from app.house import House
from events.aggregates import RUN
from events.run.state import Run
from infra.event_store import LogUnavailable, Session


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
                    await follower.wait()
                    taken = follower.take()
                    # A beat is the chance to find what a lost copy has not told.
                    if taken.events or follower.missed or taken.beat:
                        follower.missed = False
                        await session.load()
    finally:
        house.hub.leave(name, follower)
    return session.state, session.position
