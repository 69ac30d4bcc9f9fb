"""Diagnosis: looks at everything a server depends on, side by side, and checks what was found."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from app.auth.caller import Caller
from app.doctor.checks.check import Diagnosis
from app.doctor.checks.evaluate import evaluate
from app.doctor.findings import Cluster, Findings, Work
from app.doctor.read_model_probe import ReadModelProbe
from infra.embedded.disk import look_at_disk
from infra.jetstream.health.cluster import ClusterHealth
from infra.jetstream.health.log import LogCheck
from infra.s3.port import ObjectStorage
from infra.s3.probe import probe_storage
from infra.settings.settings import Settings


class Doctor:
    """Checks everything the server depends on."""

    def __init__(
        self,
        settings: Settings,
        log_check: LogCheck,
        storage: ObjectStorage,
        system: ClusterHealth,
        read_models: ReadModelProbe,
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
            inspect_cluster(self._system, copies_wanted=self._settings.replicas),
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
        checks = evaluate(findings, language)
        return Diagnosis(
            ok=all(check.ok for check in checks),
            time=findings.time,
            storage_probe=storage.url,
            checks=checks,
        )


async def inspect_cluster(system: ClusterHealth, *, copies_wanted: int) -> Cluster:
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


async def _work(system: ClusterHealth) -> Work | None:
    workers, letters = await asyncio.gather(system.workers(), system.dead_letters())
    return Work(workers=workers, dead_letters=letters) if workers else None
