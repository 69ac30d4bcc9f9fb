"""Rate limits: never more than the limit in a minute, over any number of processes."""

import asyncio
import signal
from typing import Any

import pytest
from typing_extensions import override

from app.limits import rate_counter
from app.limits.rate_counter import FailoverCounter, OwnCounter
from app.limits.rate_limit import RateLimit
from infra.postgres import PostgresUnavailable
from projections.request_counts import Count


class FakeCounter:
    """A shared count whose minute goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.minute_ends = 160.0
        self.taken: dict[str, int] = {}
        self.asked = 0

    async def take(self, subject: str, many: int) -> Count:
        self.asked += 1
        await asyncio.sleep(0)
        self.taken[subject] = self.taken.get(subject, 0) + many
        left = self.minute_ends - self.now
        return Count(taken=self.taken[subject], minute=1, seconds_left=left)

    def next_minute(self) -> None:
        self.now = self.minute_ends
        self.minute_ends += 60
        self.taken.clear()


class AwayCounter(FakeCounter):
    """A shared count that nobody reaches."""

    @override
    async def take(self, subject: str, many: int) -> Count:
        self.asked += 1
        raise PostgresUnavailable("away")


class SilentCounter(FakeCounter):
    """A shared count that never answers."""

    @override
    async def take(self, subject: str, many: int) -> Count:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


def process(counter: FakeCounter, limit: int) -> RateLimit:
    """Return the limit as another process would have it."""
    return RateLimit("default", limit, counter, clock=lambda: counter.now)


async def admitted(limit: RateLimit, requests: int, subject: str = "ada") -> int:
    """Send requests all at once; count those that are admitted."""
    answers = await asyncio.gather(*(limit.count(subject) for _ in range(requests)))
    return sum(ok for ok, _ in answers)


@pytest.mark.parametrize("limit", [1, 7, 100, 950])
async def test_one_process_admits_exactly_the_limit(limit: int) -> None:
    assert await admitted(process(FakeCounter(), limit), limit + 50) == limit


@pytest.mark.parametrize("limit", [1, 10, 99])
async def test_processes_admit_exactly_a_small_limit_together(limit: int) -> None:
    counter = FakeCounter()
    processes = [process(counter, limit) for _ in range(3)]
    found = await asyncio.gather(*(admitted(one, limit) for one in processes))
    assert sum(found) == limit


async def test_processes_admit_a_large_limit_but_for_leases_nobody_used() -> None:
    counter = FakeCounter()
    idle, busy = process(counter, 1000), process(counter, 1000)
    assert await admitted(idle, 1) == 1
    # The idle one holds a hundredth of the limit, of which it used one request.
    assert await admitted(busy, 2000) == 990


async def test_a_new_minute_begins_anew_and_an_old_lease_is_worth_nothing() -> None:
    counter = FakeCounter()
    first, second = process(counter, 200), process(counter, 200)
    await admitted(first, 1)
    counter.next_minute()
    assert await admitted(second, 300) == 200
    assert await admitted(first, 5) == 0


async def test_each_subject_has_its_own_count() -> None:
    limit = process(FakeCounter(), 5)
    assert (await admitted(limit, 9), await admitted(limit, 9, "bob")) == (5, 5)


async def test_most_requests_ask_nobody() -> None:
    counter = FakeCounter()
    assert await admitted(process(counter, 6000), 6000) == 6000
    assert counter.asked == 100


async def test_who_is_refused_is_refused_without_asking_again() -> None:
    counter = FakeCounter()
    limit = process(counter, 10)
    await admitted(limit, 11)
    asked = counter.asked
    assert await admitted(limit, 1000) == 0
    assert counter.asked == asked


async def test_the_standing_tells_what_is_left_and_for_how_long() -> None:
    counter = FakeCounter()
    limit = process(counter, 200)
    told: list[Any] = []
    for _ in range(2):
        _, state = await limit.count("ada")
        told.append((state.remaining, state.seconds_left(counter.now)))
    counter.now += 59.5
    assert told == [(199, 60), (198, 60)]
    assert (await limit.count("ada"))[1].seconds_left(counter.now) == 1


async def test_a_refusal_says_when_to_come_back() -> None:
    counter = FakeCounter()
    limit = process(counter, 1)
    await limit.count("ada")
    counter.now += 20
    ok, state = await limit.count("ada")
    refusal = limit.refusal(state)
    assert (ok, state.remaining, refusal.retry_after) == (False, 0, 40)
    assert "40 s" in str(refusal)


@pytest.mark.parametrize("shared", [AwayCounter(), SilentCounter()])
async def test_without_the_shared_count_each_process_counts_alone(
    shared: FakeCounter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rate_counter, "PATIENCE", 0.01)
    counters = [FailoverCounter(shared, OwnCounter(lambda: 30.0)) for _ in range(2)]
    limits = [RateLimit("default", 10, counter) for counter in counters]
    assert [await admitted(limit, 30) for limit in limits] == [10, 10]
    # Asked once, then left alone for a second.
    assert shared.asked == 2
    assert caplog.messages == ["rate_limit.counting_alone"] * 2


async def test_the_shared_count_is_used_again_when_it_is_back() -> None:
    shared = FakeCounter()
    counter = FailoverCounter(shared, OwnCounter())
    assert await counter.take("ada", 3) == Count(taken=3, minute=1, seconds_left=60.0)
    assert shared.taken == {"ada": 3}


async def test_an_own_count_forgets_the_minute_that_is_over() -> None:
    times = iter([119.0, 119.5, 120.0])
    counter = OwnCounter(lambda: next(times))
    counts = [await counter.take("ada", 2) for _ in range(3)]
    assert [(c.taken, c.minute, c.seconds_left) for c in counts] == [
        (2, 1, 1.0),
        (4, 1, 0.5),
        (2, 2, 60.0),
    ]


async def test_whoever_comes_at_any_moment_of_a_renewal_is_counted_and_nobody_hangs() -> None:
    """Each turn of the loop brings some more, so some come just when a renewal is done."""
    counter = FakeCounter()
    limit = process(counter, 50)

    def hang(*_: object) -> None:
        raise TimeoutError("the loop was never left")

    # A loop that is not left cannot be timed out from within; nor is it the only one.
    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, 5, 0.005)
    try:
        asked = []
        for _ in range(100):
            asked += [asyncio.create_task(limit.count("ann")) for _ in range(5)]
            await asyncio.sleep(0)
        answers = await asyncio.gather(*asked)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert sum(admitted for admitted, _ in answers) == 50
