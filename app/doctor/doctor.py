"""Looks at everything a server depends on, side by side."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from app.auth.caller import Caller
from app.doctor.checks.check import Diagnosis
from app.doctor.checks.judge import judge
from app.doctor.findings import Cluster, Findings, ReadModels, Work
from app.doctor.machine_probe import MachineProbe
from app.doctor.stuck_runs import StuckRuns
from infra.embedded.disk import look_at_disk
from infra.event_store import LogUnavailable
from infra.jetstream.health.log import LogCheck
from infra.jetstream.health.system import SystemHealth
from infra.jetstream.log.aggregates import LogReader
from infra.postgres import Pool, PostgresUnavailable
from infra.s3.port import ObjectStorage
from infra.s3.probe import probe_storage
from infra.settings.settings import Settings
from projections.health import count_projectors, count_quarantined
from projections.queries import position, server_version, write_probe

MOVES_WITHIN = 8.0
"""Seconds after which a projector that is behind must have come nearer to the head. One whose
replica of the log is gone notices after five, and reads on from another."""

LOOK_EVERY = 0.2


class Doctor:
    """Checks everything the server depends on."""

    def __init__(
        self,
        settings: Settings,
        log_check: LogCheck,
        storage: ObjectStorage,
        system: SystemHealth,
        read_models: "ReadModelProbe",
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._log_check = log_check
        self._storage = storage
        self._system = system
        self._read_models = read_models
        self._now = now

    async def diagnose(self, caller: Caller, language: str) -> Diagnosis:
        """Look at everything, side by side."""
        work = await _work(self._system)
        log, storage, read_models, cluster = await asyncio.gather(
            self._log_check.look(),
            probe_storage(self._storage, self._settings.spaces),
            self._read_models.look(caller, work),
            look_at_cluster(self._system, copies_wanted=self._settings.replicas),
        )
        findings = Findings(
            time=self._now(),
            log=log,
            storage=storage,
            read_models=read_models,
            cluster=cluster,
            work=work,
            disk=look_at_disk(self._settings.data),
        )
        checks = judge(findings, language)
        return Diagnosis(
            ok=all(check.ok for check in checks),
            time=findings.time,
            storage_probe=storage.url,
            checks=checks,
        )


async def look_at_cluster(system: SystemHealth, *, copies_wanted: int) -> Cluster:
    """Look at the servers of the log and at how they keep the streams."""
    streams, nodes, in_use, connected = await asyncio.gather(
        system.streams(), system.nodes(), system.storage_in_use(), system.answers()
    )
    return Cluster(
        streams=streams,
        nodes=nodes,
        copies_wanted=copies_wanted,
        storage_in_use=in_use,
        connected=connected,
    )


async def _work(system: SystemHealth) -> Work | None:
    workers, letters = await asyncio.gather(system.workers(), system.dead_letters())
    return Work(workers=workers, dead_letters=letters) if workers else None


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
            machines, stands, stuck = await asyncio.gather(
                self._machines.look(caller, work),
                self._stands_still(at),
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
            standing_still=stands,
            quarantined=quarantined,
            stuck_runs=stuck,
        )

    async def _stands_still(self, at: int) -> bool:
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
