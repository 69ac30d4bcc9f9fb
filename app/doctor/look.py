"""Looks at everything a server depends on, side by side."""

import asyncio

from app.auth.caller import Caller
from app.doctor.check import Diagnosis
from app.doctor.findings import Cluster, Findings, ReadModels, Work
from app.doctor.judge import judge
from app.doctor.look_at_machines import look_at_machines
from app.doctor.stuck_runs import stuck_runs
from app.house import House
from infra.embedded.disk import look_at_disk
from infra.event_store import LogUnavailable
from infra.jetstream.health.system import SystemHealth
from infra.postgres import PostgresUnavailable
from infra.s3.probe import probe_storage
from projections.health import count_projectors, count_quarantined
from projections.queries import position, server_version, write_probe

MOVES_WITHIN = 8.0
"""Seconds after which a projector that is behind must have come nearer to the head. One whose
replica of the log is gone notices after five, and reads on from another."""

LOOK_EVERY = 0.2


async def diagnose(house: House, caller: Caller, language: str) -> Diagnosis:
    """Look at everything, side by side."""
    work = await _work(house.system)
    log, storage, read_models, cluster = await asyncio.gather(
        house.log_check.look(),
        probe_storage(house.storage, house.settings.spaces),
        _read_models(house, caller, work),
        look_at_cluster(house.system, copies_wanted=house.settings.replicas),
    )
    findings = Findings(
        time=house.now(),
        log=log,
        storage=storage,
        read_models=read_models,
        cluster=cluster,
        work=work,
        disk=look_at_disk(house.settings.data),
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


async def _read_models(house: House, caller: Caller, work: Work | None) -> ReadModels | None:
    try:
        async with house.pool.connection() as connection:
            version, at = await server_version(connection), await position(connection)
            write_error = await write_probe(connection)
            projectors = await count_projectors(connection)
            quarantined = await count_quarantined(connection)
        machines, stands, stuck = await asyncio.gather(
            look_at_machines(house, caller, work),
            _stands_still(house, at),
            stuck_runs(house, caller),
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


async def _stands_still(house: House, at: int) -> bool:
    """Return whether the tables are behind, and no nearer to the head after a moment."""
    try:
        head = await house.log_groups.head()
    except LogUnavailable:
        return False
    deadline = asyncio.get_running_loop().time() + MOVES_WITHIN
    now = at
    while now == at < head:
        if asyncio.get_running_loop().time() > deadline:
            return True
        await asyncio.sleep(LOOK_EVERY)
        async with house.pool.connection() as connection:
            now = await position(connection)
    return False
