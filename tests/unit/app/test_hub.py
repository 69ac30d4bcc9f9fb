"""Following a run: one listener, however many clients, and a slow one holds up nobody."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from msgspec.structs import replace

from app.hub import QUEUED_EVENTS, Follower, Frame, Hub, Taken
from events.aggregates import RUN
from events.envelope import AnyRecorded
from infra.jetstream.live import Live
from tests.builders import RUN_ID, created, draft
from tests.fake_live import FakeLive

NAME = RUN.name(RUN_ID)
NOTHING = Taken(events=[], progress=None, beat=False)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hub.LINGER", 0.01)
    monkeypatch.setattr("app.hub.WATCH_EVERY", 0.01)


def frame_of(recorded: AnyRecorded, previous: int) -> Frame:
    data = b"event %d" % recorded.position
    return Frame(position=recorded.position, previous=previous, data=data, ends=False)


def hub_over(live: FakeLive, too_slow: Callable[[], None] = lambda: None) -> Hub:
    return Hub(
        cast("Live", live),
        frame_of=frame_of,
        progress_of=lambda data: b"<" + data + b">",
        too_slow=too_slow,
    )


def event(position: int) -> AnyRecorded:
    return replace(draft(created(), version=position), position=position)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- a poll with a deadline
            await asyncio.sleep(0.005)


async def woken(follower: Follower) -> Taken:
    async with asyncio.timeout(5):
        await follower.wait()
    return follower.take()


async def test_all_followers_of_a_run_hear_the_same_bytes_over_one_listener() -> None:
    live = FakeLive()
    hub = hub_over(live)
    followers = await asyncio.gather(hub.join(NAME), hub.join(NAME), hub.join(NAME))

    live.tell(event(7), 3)

    taken = [await woken(follower) for follower in followers]
    frame = Frame(position=7, previous=3, data=b"event 7", ends=False)
    assert taken == [Taken(events=[frame], progress=None, beat=False)] * 3
    assert taken[0].events[0].data is taken[2].events[0].data
    assert (live.opened, hub.followers) == (1, 3)


async def test_runs_are_followed_apart() -> None:
    live = FakeLive()
    hub = hub_over(live)
    mine, other = await hub.join(NAME), await hub.join("run-other")

    live.tell(event(1), 0)

    assert [f.position for f in mine.take().events] == [1]
    assert other.take() == NOTHING


async def test_a_slow_follower_is_closed_and_the_others_hear_everything() -> None:
    live, cut = FakeLive(), list[str]()
    hub = hub_over(live, too_slow=lambda: cut.append("slow"))
    slow, quick = await hub.join(NAME), await hub.join(NAME)
    heard: list[int] = []

    for position in range(1, QUEUED_EVENTS + 1):
        live.tell(event(position), position - 1)
        heard += [frame.position for frame in quick.take().events]
    assert not slow.closed
    for position in range(QUEUED_EVENTS + 1, QUEUED_EVENTS + 20):
        live.tell(event(position), position - 1)
        heard += [frame.position for frame in quick.take().events]

    assert (slow.closed, quick.closed, cut) == (True, False, ["slow"])
    # What it gets is whole up to where it ends, so that its client can resume from there.
    kept = await woken(slow)
    assert [frame.position for frame in kept.events] == list(range(1, QUEUED_EVENTS + 1))
    assert heard == list(range(1, QUEUED_EVENTS + 20))


async def test_newer_progress_takes_the_place_of_older() -> None:
    live = FakeLive()
    follower = await hub_over(live).join(NAME)

    live.tell_progress(NAME, b"10")
    live.tell_progress(NAME, b"20")

    assert await woken(follower) == Taken(events=[], progress=b"<20>", beat=False)
    assert follower.take() == NOTHING


async def test_the_listener_stops_some_time_after_the_last_has_left() -> None:
    live = FakeLive()
    hub = hub_over(live)
    first, second = await hub.join(NAME), await hub.join(NAME)

    hub.leave(NAME, first)
    await asyncio.sleep(0.05)
    assert NAME in live.listening
    hub.leave(NAME, second)
    await until(lambda: not live.listening)

    third = await hub.join(NAME)
    live.tell(event(1), 0)
    assert [frame.position for frame in third.take().events] == [1]
    assert (live.opened, hub.followers) == (2, 1)


async def test_who_comes_right_after_the_last_has_left_is_served_by_the_same_listener() -> None:
    live = FakeLive()
    hub = hub_over(live)

    hub.leave(NAME, await hub.join(NAME))
    follower = await hub.join(NAME)
    await asyncio.sleep(0.05)

    live.tell(event(1), 0)
    assert [frame.position for frame in follower.take().events] == [1]
    assert live.opened == 1


async def test_a_listener_that_cannot_be_opened_leaves_no_follower_behind() -> None:
    live = FakeLive()
    live.away = True
    hub = hub_over(live)

    with pytest.raises(ConnectionError):
        await hub.join(NAME)

    assert hub.followers == 0
    await until(lambda: not hub._channels)


async def test_after_a_lost_connection_every_follower_is_told_to_ask_the_log() -> None:
    live = FakeLive()
    hub = hub_over(live)
    followers = [await hub.join(NAME), await hub.join("run-other")]

    async with hub.attending():
        await asyncio.sleep(0.05)
        assert [follower.missed for follower in followers] == [False, False]
        live.reconnects += 1
        for follower in followers:
            assert await woken(follower) == NOTHING
            assert follower.missed


async def test_every_follower_gets_its_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hub.HEARTBEAT", 1)
    hub = hub_over(FakeLive())
    follower = await hub.join(NAME)

    async with hub.attending():
        assert (await woken(follower)).beat

    assert follower.take() == NOTHING


async def test_closing_ends_all_streams_now_and_from_now_on() -> None:
    hub = hub_over(FakeLive())
    follower = await hub.join(NAME)

    hub.close()

    assert follower.closed
    assert await woken(follower) == NOTHING
    assert (await hub.join(NAME)).closed
