"""The figures that the projector shows: open runs alone, counted by what they wait for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from msgspec.structs import replace

from events.envelope import AnyRecorded, Entry, Unreadable
from events.run.events import RunEvent, RunWaiting, StatusChanged
from events.run.status import Status
from infra.postgres import connect
from projections.figures import RunFigures, run_figures
from projections.fold import Fold
from projections.schema import create_tables
from tests.builders.facts import MACHINE_ID, claimed, created, draft, image_output, produced
from tests.golden.examples import recorded_example


def reported(status: Status) -> StatusChanged:
    return StatusChanged(
        status=status, reason="machine", attempt=1, machine_id=MACHINE_ID, at=datetime.now(UTC)
    )


def waiting(reason: str) -> RunWaiting:
    return RunWaiting(reason=reason, detail="", machine_id=MACHINE_ID, at=datetime.now(UTC))


LIVES: Sequence[Sequence[RunEvent]] = (
    (),
    (),
    (waiting("machine_unreachable"),),
    (waiting("something that a newer version waits for"),),
    (claimed(),),
    (claimed(), reported(Status.STARTED)),
    (claimed(), reported(Status.RUNNING)),
    (claimed(), produced(image_output())),
    (reported(Status.CANCELLED),),
)


def life(later: Sequence[RunEvent], *, made: datetime) -> list[AnyRecorded]:
    run_id = uuid4()
    facts = [created(run_id=run_id, at=made), *later]
    return [draft(fact, version=n, run_id=run_id) for n, fact in enumerate(facts, start=1)]


async def figures_of(postgres_url: str, log: Sequence[Entry]) -> RunFigures:
    placed = [replace(entry, position=n) for n, entry in enumerate(log, start=1)]
    async with connect(postgres_url) as connection:
        await create_tables(connection)
        fold = Fold(connection)
        await fold.start()
        if placed:
            await fold.apply(placed)
        return await run_figures(connection)


async def test_open_runs_are_counted_by_status_and_by_what_they_wait_for(postgres_url: str) -> None:
    old = datetime.now(UTC) - timedelta(seconds=300)
    log: list[Entry] = [event for facts in LIVES for event in life(facts, made=old)]
    log.append(replace(recorded_example("machine.registered.v1"), version=1))
    log.append(Unreadable(aggregate=f"run-{UUID(int=1)}", position=0, type="x", error="y"))

    found = await figures_of(postgres_url, log)

    assert found.position == len(log)
    assert {status: n for status, n in found.open_runs.items() if n} == {
        "not-started": 4,
        "queued": 1,
        "started": 1,
        "running": 1,
        "uploading": 1,
    }
    waits = {"machine_queue": 2, "machine_unreachable": 1, "other": 1, "comfyui_queue": 1}
    assert {reason: n for reason, n in found.waiting.items() if n} == waits
    aged = {reason for reason, age in found.waiting_age.items() if 300 <= age < 400}
    assert aged == waits.keys()
    assert sum(found.waiting_age.values()) < 400 * len(waits)
    assert (found.machines, found.quarantined) == ({"active": 1, "draining": 0, "disabled": 0}, 1)


async def test_where_nothing_is_everything_is_zero(postgres_url: str) -> None:
    found = await figures_of(postgres_url, [])

    assert found.position == found.quarantined == 0
    for counts in (found.open_runs, found.waiting, found.waiting_age, found.machines):
        assert counts
        assert not any(counts.values())
