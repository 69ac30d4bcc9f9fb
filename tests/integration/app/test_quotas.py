"""Quotas on a real Postgres: reservations and read models are counted as one."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.limits.quotas import Quotas
from app.limits.too_many import QuotaExceeded
from events.run.events import StatusChanged
from events.run.status import Status
from infra.postgres import Pool, open_pool
from infra.telemetry.api_metrics import Checked
from projections.fold import Fold
from projections.schema import create_tables
from tests.builders.facts import NOW, created, draft
from tests.fakes.event_store import MemoryEventStore

TENANT = "user:ada"


class World:
    """A tenant, a log, read models that follow when they are told to, and a clock."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.store = MemoryEventStore()
        self.now = NOW
        self.checked: list[Checked] = []

    def quotas(self, *, in_flight: int = 0, per_day: int = 0) -> Quotas:
        clock: Callable[[], datetime] = lambda: self.now  # noqa: E731 -- reads the clock as it is then
        return Quotas(
            self.pool,
            self.store,
            in_flight=in_flight,
            per_day=per_day,
            now=clock,
            checked=self.checked.append,
        )

    async def make(self, quotas: Quotas, *run_ids: UUID) -> None:
        """Reserve runs and record them."""
        async with quotas.reserving(TENANT, run_ids):
            for run_id in run_ids:
                born = draft(created(run_id=run_id, at=self.now), version=1, run_id=run_id)
                await self.store.append([born], expected=0)

    async def end(self, run_id: UUID) -> None:
        """Record the end of a run."""
        last = await self.store.last(f"run-{run_id}")
        assert last is not None
        over = StatusChanged(
            status=Status.CANCELLED, reason="asked", attempt=0, machine_id=None, at=self.now
        )
        ended = draft(over, version=2, run_id=run_id)
        await self.store.append([ended], expected=last.position)

    async def project(self) -> None:
        """Bring the read models up to the log."""
        async with self.pool.connection() as connection:
            fold = Fold(connection)
            await fold.start()
            await fold.apply([e for e in self.store.log if e.position > fold.position])


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_pool(postgres_url, size=4) as pool:
        async with pool.connection() as connection:
            await create_tables(connection)
        yield World(pool)


async def test_a_run_counts_before_and_after_it_is_projected_and_never_twice(world: World) -> None:
    quotas = world.quotas(in_flight=2)
    await world.make(quotas, uuid4())
    await world.project()
    await world.make(quotas, uuid4())
    with pytest.raises(QuotaExceeded):
        await world.make(quotas, uuid4())
    assert world.checked == [Checked.ADMITTED, Checked.ADMITTED, Checked.REFUSED]
    await world.project()
    with pytest.raises(QuotaExceeded):
        await world.make(quotas, uuid4())


async def test_an_ended_run_makes_room_but_not_for_today(world: World) -> None:
    run_id = uuid4()
    await world.make(world.quotas(in_flight=1, per_day=1), run_id)
    await world.end(run_id)
    await world.project()
    with pytest.raises(QuotaExceeded) as refused:
        await world.make(world.quotas(in_flight=1, per_day=1), uuid4())
    assert refused.value.problems[0].code == "quota_runs_per_day"
    assert refused.value.retry_after == 12 * 3600  # it is noon
    await world.make(world.quotas(in_flight=1), uuid4())


async def test_a_new_day_has_a_new_quota(world: World) -> None:
    quotas = world.quotas(per_day=1)
    await world.make(quotas, uuid4())
    world.now = NOW.replace(hour=23, minute=59)
    with pytest.raises(QuotaExceeded) as refused:
        await world.make(quotas, uuid4())
    assert refused.value.retry_after == 60
    world.now += timedelta(minutes=1)
    await world.make(quotas, uuid4())


async def test_many_runs_are_let_in_together_or_not_at_all(world: World) -> None:
    quotas = world.quotas(in_flight=5)
    first = [uuid4() for _ in range(4)]
    await world.make(quotas, *first)
    with pytest.raises(QuotaExceeded) as refused:
        await world.make(quotas, uuid4(), uuid4())
    assert refused.value.problems[0].params == {"limit": "5", "count": "4", "more": "2"}
    # Those that count already need no room.
    async with quotas.reserving(TENANT, first):
        pass
    await world.make(quotas, uuid4())


async def test_what_failed_before_it_was_recorded_does_not_count(world: World) -> None:
    quotas = world.quotas(in_flight=1)
    with pytest.raises(RuntimeError):
        async with quotas.reserving(TENANT, (uuid4(),)):
            raise RuntimeError
    await world.make(quotas, uuid4())


async def test_a_reservation_whose_process_died_stands_in_nobodys_way(world: World) -> None:
    quotas = world.quotas(in_flight=2)
    lost, kept = uuid4(), uuid4()
    async with quotas.reserving(TENANT, (lost,)):
        pass  # reserved, and never recorded
    await world.make(quotas, kept)
    with pytest.raises(QuotaExceeded):
        await world.make(quotas, uuid4())
    world.now += timedelta(minutes=6)
    # The log knows the one and not the other, though the read models know neither.
    await world.make(quotas, uuid4())
    with pytest.raises(QuotaExceeded):
        await world.make(quotas, uuid4())


async def test_one_tenants_runs_are_not_anothers(world: World) -> None:
    quotas = world.quotas(in_flight=1)
    await world.make(quotas, uuid4())
    async with quotas.reserving("user:bob", (uuid4(),)):
        pass
