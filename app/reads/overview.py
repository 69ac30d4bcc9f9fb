"""An overview of a tenant: what runs now, what failed last, its machines, and its figures.

It is read once a second, however many ask for it.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from cachetools import LRUCache
from msgspec import Struct

from app.auth.caller import Caller
from app.reads.deployments import DeploymentReads
from app.reads.machines import MachineReads
from app.reads.runs.runs import FoundRun, RunReads
from app.reads.single_flight import SingleFlight
from app.reads.statistics import Statistics, StatisticsReads
from events.batch import RunFilter
from events.machine.state import Machine
from events.run.state import Run
from events.run.status import Status

LEASE = 1.0
"""Seconds for which an overview is shown again."""

REMEMBERED = 1000
HOURS = 24
MOST_RUNNING = 8
MOST_FAILURES = 5
MOST_MACHINES = 100


class Overview(Struct, frozen=True, kw_only=True):
    """What goes on in a tenant."""

    statistics: Statistics
    running: Sequence[FoundRun]
    """The newest of those that a machine renders."""

    failures: Sequence[Run]
    """The newest that failed or timed out."""

    machines: Sequence[Machine]
    """None for a caller who is restricted to deployments."""

    has_deployments: bool
    has_runs: bool


class OverviewReads:
    """Reads overviews."""

    def __init__(
        self,
        statistics: StatisticsReads,
        runs: RunReads,
        machines: MachineReads,
        deployments: DeploymentReads,
    ) -> None:
        self._statistics = statistics
        self._runs = runs
        self._machines = machines
        self._deployments = deployments
        self._asked: LRUCache[tuple[str, frozenset[UUID]], SingleFlight[Overview]] = LRUCache(
            REMEMBERED
        )

    async def find(self, caller: Caller) -> Overview:
        """Return the overview for a caller, at most a second old.

        Raises:
            PostgresUnavailable: Postgres does not answer.
            LogUnavailable: the log does not answer for a run that was changed just now.

        """
        key = (caller.tenant, caller.deployments)
        flight = self._asked.get(key)
        if flight is None:
            flight = self._asked[key] = SingleFlight(LEASE)
        return await flight.of(partial(self._read, caller))

    async def _read(self, caller: Caller) -> Overview:
        running = await self._newest(caller, Status.RUNNING, MOST_RUNNING)
        failures = [
            *await self._newest(caller, Status.FAILED, MOST_FAILURES),
            *await self._newest(caller, Status.TIMEOUT, MOST_FAILURES),
        ]
        failures.sort(key=lambda run: run.created_at, reverse=True)
        return Overview(
            statistics=await self._statistics.find(caller, hours=HOURS),
            running=[await self._with_progress(run) for run in running],
            failures=failures[:MOST_FAILURES],
            machines=[] if caller.deployments else await self._present_machines(caller),
            has_deployments=await self._has_deployments(caller),
            has_runs=bool(await self._newest(caller, None, 1)),
        )

    async def _newest(self, caller: Caller, status: Status | None, limit: int) -> list[Run]:
        fits = RunFilter(status=status)
        page = await self._runs.page_with_texts(caller, fits, limit=limit, before=None)
        return [row.state for row in page.rows]

    async def _with_progress(self, run: Run) -> FoundRun:
        return FoundRun(run=run, position=0, progress=await self._runs.progress(run))

    async def _present_machines(self, caller: Caller) -> list[Machine]:
        page = await self._machines.page(caller, limit=MOST_MACHINES)
        return [row.state for row in page.rows]

    async def _has_deployments(self, caller: Caller) -> bool:
        page = await self._deployments.page(
            caller, limit=1, before=None, workflow_id=None, environment=None
        )
        return bool(page.rows)
