"""A tenant's figures: what runs, what waits and why, and what became of runs hour by hour.

Dashboards ask for them all the time, and many at once for the same: they are counted once a second.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from cachetools import LRUCache
from msgspec import Struct

from app.auth.caller import Caller
from app.reads.single_flight import SingleFlight
from events.run.status import TERMINAL, Status
from infra.postgres import Pool
from projections.activity import HourOfRuns, OpenRuns, hours, open_runs

LEASE = 1.0
"""Seconds for which figures are shown again."""

REMEMBERED = 1000
_HOUR = timedelta(hours=1)


class WaitingRuns(Struct, frozen=True, kw_only=True):
    """Runs that wait for the same thing."""

    reason: str
    machine_id: UUID
    count: int
    oldest_at: datetime


class MachineLoad(Struct, frozen=True, kw_only=True):
    """Open runs of a machine."""

    machine_id: UUID
    active: int
    """On the machine, or on their way from it."""

    waiting: int


class Statistics(Struct, frozen=True, kw_only=True):
    """A tenant's figures."""

    open: Mapping[str, int]
    """Runs that have not ended, by status; every status is named."""

    waiting: Sequence[WaitingRuns]
    machines: Sequence[MachineLoad]
    hours: Sequence[HourOfRuns]
    """From the first hour to this one, without gaps."""

    @property
    def ended(self) -> int:
        """How many runs ended in these hours."""
        return sum(h.success + h.failed + h.cancelled + h.timeout for h in self.hours)


class StatisticsReads:
    """Queries for figures."""

    def __init__(self, pool: Pool, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._now = now
        self._asked: LRUCache[tuple[str, frozenset[UUID], int], SingleFlight[Statistics]] = (
            LRUCache(REMEMBERED)
        )

    async def find(self, caller: Caller, *, hours: int) -> Statistics:
        """Return the figures of the caller's runs, with so many *hours*, at most a second old.

        Raises:
            PostgresUnavailable: Postgres does not answer.

        """
        key = (caller.tenant, caller.deployments, hours)
        flight = self._asked.get(key)
        if flight is None:
            flight = self._asked[key] = SingleFlight(LEASE)
        return await flight.of(partial(self._count, caller, hours))

    async def _count(self, caller: Caller, many: int) -> Statistics:
        now = self._now().astimezone(UTC)
        this_hour = now.replace(minute=0, second=0, microsecond=0)
        since = this_hour - (many - 1) * _HOUR
        async with self._pool.connection() as connection:
            found = await open_runs(connection, tenant=caller.tenant, only=caller.deployments)
            ended = await hours(
                connection, tenant=caller.tenant, since=since, only=caller.deployments
            )
        by_hour = {hour.at: hour for hour in ended}
        moments = [since + n * _HOUR for n in range(many)]
        return Statistics(
            open=_by_status(found),
            waiting=_waiting(found),
            machines=_by_machine(found),
            hours=[by_hour.get(at) or _empty(at) for at in moments],
        )


def _by_status(found: Sequence[OpenRuns]) -> Mapping[str, int]:
    counts = Counter({str(status): 0 for status in Status if status not in TERMINAL})
    for runs in found:
        counts[runs.status] += runs.count
    return counts


def _waiting(found: Sequence[OpenRuns]) -> list[WaitingRuns]:
    """Return what waits, the longest wait first."""
    merged: dict[tuple[str, UUID], WaitingRuns] = {}
    for runs in found:
        if runs.waits_for is None:
            continue
        key = (runs.waits_for, runs.machine_id)
        before = merged.get(key)
        merged[key] = WaitingRuns(
            reason=runs.waits_for,
            machine_id=runs.machine_id,
            count=runs.count + (before.count if before else 0),
            oldest_at=min(runs.oldest_at, before.oldest_at) if before else runs.oldest_at,
        )
    return sorted(merged.values(), key=lambda waiting: waiting.oldest_at)


def _by_machine(found: Sequence[OpenRuns]) -> list[MachineLoad]:
    active: Counter[UUID] = Counter()
    waiting: Counter[UUID] = Counter()
    for runs in found:
        (waiting if runs.waits_for else active)[runs.machine_id] += runs.count
    return [
        MachineLoad(machine_id=machine, active=active[machine], waiting=waiting[machine])
        for machine in sorted({*active, *waiting})
    ]


def _empty(at: datetime) -> HourOfRuns:
    return HourOfRuns(at=at, success=0, failed=0, cancelled=0, timeout=0, wait=None, render=None)
