"""Probe of the read models, and of the machines and runs in them."""

import asyncio

from app.auth.caller import Caller
from app.doctor.findings import ReadModels, Work
from app.doctor.machine_probe import MachineProbe
from app.doctor.stuck_runs import StuckRuns
from infra.event_store import LogUnavailable
from infra.jetstream.log.aggregates import LogReader
from infra.postgres import Pool, PostgresUnavailable
from projections.health import count_projectors, count_quarantined, server_version, write_probe
from projections.queries import position

MOVES_WITHIN = 8.0
"""Seconds after which a projector that is behind must have come nearer to the head. One whose
replica of the log is gone notices after five, and reads on from another."""

LOOK_EVERY = 0.2


class ReadModelProbe:
    """Looks at the read models, and at what they say of machines and runs."""

    def __init__(
        self, pool: Pool, log_reader: LogReader, machines: MachineProbe, stuck_runs: StuckRuns
    ) -> None:
        self._pool = pool
        self._log_reader = log_reader
        self._machines = machines
        self._stuck_runs = stuck_runs

    async def look(self, caller: Caller, work: Work | None) -> ReadModels | None:
        """Return what there is to say of the read models; None when Postgres is away."""
        try:
            async with self._pool.connection() as connection:
                version, at = await server_version(connection), await position(connection)
                write_error = await write_probe(connection)
                projectors = await count_projectors(connection)
                quarantined = await count_quarantined(connection)
            machines, stalled, stuck = await asyncio.gather(
                self._machines.look(caller, work),
                self._is_stalled(at),
                self._stuck_runs.find(caller),
            )
        except (PostgresUnavailable, TimeoutError):
            return None
        return ReadModels(
            version=version,
            position=at,
            machines=machines,
            write_error=write_error,
            projectors=projectors,
            stalled=stalled,
            quarantined=quarantined,
            stuck_runs=stuck,
        )

    async def _is_stalled(self, at: int) -> bool:
        """Return whether the tables are behind, and no nearer to the head after a moment."""
        try:
            head = await self._log_reader.head()
        except LogUnavailable:
            return False
        deadline = asyncio.get_running_loop().time() + MOVES_WITHIN
        now = at
        while now == at < head:
            if asyncio.get_running_loop().time() > deadline:
                return True
            await asyncio.sleep(LOOK_EVERY)
            async with self._pool.connection() as connection:
                now = await position(connection)
        return False
