"""An overview: read once for many, with the newest failures of both kinds."""

import asyncio
from typing import Any, cast
from uuid import UUID, uuid4

from msgspec.structs import replace

from app.auth.caller import Caller
from app.reads.overview import OverviewReads
from events.batch import RunFilter
from events.run.progress import Progress
from events.run.state import Run
from events.run.status import Status
from projections.queries import Page
from projections.tables import Row
from tests.builders.pages import empty_overview, machine, run

ADA = Caller(user_id="ada", org_id=None)
KEY = Caller(user_id="ada", org_id=None, deployments=frozenset({uuid4()}))


class _Tenant:
    """Reads of a tenant whose runs are known; each question is counted."""

    def __init__(self, *runs: Run) -> None:
        self.runs = runs
        self.asked = 0

    async def find(self, _caller: Caller, *, hours: int) -> object:
        """Return figures."""
        assert hours == 24
        return empty_overview().statistics

    async def page_with_texts(
        self, _caller: Caller, fits: RunFilter, *, limit: int, before: int | None
    ) -> Page:
        """List runs, newest first."""
        assert before is None
        self.asked += 1
        fitting = [one for one in self.runs if fits.status in {None, one.status}]
        fitting.sort(key=lambda one: one.created_at, reverse=True)
        return Page(rows=[_row(one) for one in fitting[:limit]], has_more=False)

    async def progress(self, one: Run) -> Progress:
        """Return how far a run is."""
        return Progress(percent=one.id.int, message="")


class _Others:
    """Reads of machines and deployments."""

    async def page(self, _caller: Caller, **_: Any) -> Page:
        """List one machine."""
        return Page(rows=[_row(machine("gpu-1"))], has_more=False)


def _row(state: Any) -> Row:
    return Row(
        id=state.id, tenant="user:ada", created_position=1, position=1, version=1, state=state
    )


def reads_of(tenant: _Tenant) -> OverviewReads:
    known, others = cast("Any", tenant), cast("Any", _Others())
    return OverviewReads(known, known, others, others)


def at(status: Status, number: int) -> Run:
    """Return a run that is as new as its number."""
    made = run(status, number)
    return replace(made, created_at=made.created_at.replace(microsecond=number))


async def test_the_newest_failures_of_both_kinds_are_shown_together() -> None:
    kinds = (Status.FAILED, Status.TIMEOUT)
    runs = [at(kinds[n % 2], n) for n in range(1, 9)]
    found = await reads_of(_Tenant(*runs, at(Status.RUNNING, 50))).find(ADA)

    assert [one.id.int for one in found.failures] == [8, 7, 6, 5, 4]
    assert [(one.run.id, one.progress) for one in found.running] == [
        (UUID(int=50), Progress(percent=50, message=""))
    ]
    assert [one.name for one in found.machines] == ["gpu-1"]
    assert (found.has_deployments, found.has_runs) == (True, True)


async def test_many_who_look_at_once_share_one_read() -> None:
    tenant = _Tenant()
    reads = reads_of(tenant)
    found = await asyncio.gather(*(reads.find(ADA) for _ in range(50)))

    assert all(one is found[0] for one in found)
    assert tenant.asked == 4  # running, failed, timed out, and whether there is any
    assert found[0].has_runs is False


async def test_a_restricted_key_sees_no_machine_and_shares_no_read() -> None:
    tenant = _Tenant()
    reads = reads_of(tenant)
    assert (await reads.find(KEY)).machines == []
    assert len((await reads.find(ADA)).machines) == 1
