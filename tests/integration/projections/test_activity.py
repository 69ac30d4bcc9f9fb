"""A tenant's figures: open runs by what they wait for, ended ones by the hour."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from msgspec.structs import replace

from events.envelope import AnyRecorded
from events.run.events import Ending, RunEvent, StatusChanged
from events.run.status import Status
from infra.postgres import connect
from projections.activity import HourOfRuns, Spread, hours, open_runs
from projections.fold import Fold
from projections.schema import create_tables
from tests.builders.facts import MACHINE_ID, OTHER_ID, claimed, created, draft

HOUR = datetime(2026, 11, 30, 9, tzinfo=UTC)


def life(*later: RunEvent, deployment: UUID = OTHER_ID, tenant: str = "ada") -> list[AnyRecorded]:
    run_id = uuid4()
    facts = [created(run_id=run_id, at=HOUR, deployment_id=deployment), *later]
    events = [draft(fact, version=n, run_id=run_id) for n, fact in enumerate(facts, start=1)]
    return [replace(e, meta=replace(e.meta, tenant=f"user:{tenant}")) for e in events]


def ended(status: Status, minutes: float, *, wait: float | None = None) -> StatusChanged:
    took = wait is not None and Ending(
        wait_seconds=wait, render_seconds=2 * wait, gpu_seconds=0, total_seconds=0, environment=""
    )
    event = StatusChanged(
        status=status,
        reason="machine",
        attempt=1,
        machine_id=MACHINE_ID,
        at=HOUR + timedelta(minutes=minutes),
    )
    return replace(event, ending=took) if took else event


async def test_runs_are_counted_by_what_they_do_and_by_the_hour_of_their_end(
    postgres_url: str,
) -> None:
    other = uuid4()
    lives = [
        life(),
        life(claimed()),
        life(deployment=other),
        life(tenant="bob"),
        *[life(ended(Status.SUCCESS, 1, wait=wait)) for wait in (1, 2, 3)],
        life(ended(Status.FAILED, 59, wait=100)),
        life(ended(Status.SUCCESS, 60)),
        life(ended(Status.TIMEOUT, 61), deployment=other),
        life(ended(Status.SUCCESS, -1, wait=1)),
        life(ended(Status.SUCCESS, 1, wait=1), tenant="bob"),
    ]
    log = [replace(e, position=n) for n, e in enumerate((e for one in lives for e in one), start=1)]
    async with connect(postgres_url) as connection:
        await create_tables(connection)
        fold = Fold(connection)
        await fold.start()
        await fold.apply(log)
        now_open = await open_runs(connection, tenant="user:ada")
        restricted = await open_runs(connection, tenant="user:ada", only=[other])
        found = await hours(connection, tenant="user:ada", since=HOUR)
        of_other = await hours(connection, tenant="user:ada", since=HOUR, only=[other])

    assert {(o.status, o.waits_for, o.count) for o in now_open} == {
        ("not-started", "machine_queue", 2),
        ("queued", None, 1),
    }
    assert [(o.machine_id, o.count, o.oldest_at) for o in restricted] == [(MACHINE_ID, 1, HOUR)]
    first = HourOfRuns(
        at=HOUR,
        success=3,
        failed=1,
        cancelled=0,
        timeout=0,
        wait=Spread(p50=2, p95=2.9),
        render=Spread(p50=4, p95=5.8),
    )
    second = replace(
        first, at=HOUR + timedelta(hours=1), success=1, failed=0, timeout=1, wait=None, render=None
    )
    assert found == [first, second]
    assert of_other == [replace(second, success=0)]
