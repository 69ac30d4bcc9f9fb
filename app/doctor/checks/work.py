"""Checks of the work: workers that are missing, dead letters, runs without work in a queue."""

from collections.abc import Iterator
from uuid import UUID

from app.doctor.checks.check import Check, Faults, passed
from app.doctor.findings import Findings, Work
from events.messages.texts import Texts
from infra.jetstream.work.consumers import KINDS
from infra.jetstream.work.reactor_durable import REACTOR

SHOWN = 3
"""Runs that are named; a list of hundreds is no help."""

TEXTS: Texts = {
    "worker_none": "no worker is listening: runs are accepted and wait",
    "worker_none.fix": "start `comfyd worker`",
    "work_unserved": "no worker does the work of {names}",
    "work_unserved.fix": "restart `comfyd worker`: one that lost its connection may still run",
    "dead_letters": "{count} tasks were given up during the last day",
    "dead_letters.fix": (
        "read them (docs/operations.md, Dead letters) and fix the cause; the runs have ended"
    ),
    "runs_stuck": "{count} open runs of yours whose work is in no queue, such as {names}",
    "runs_stuck.fix": (
        "start `comfyd worker`, which puts it back within half a minute, or cancel and rerun"
    ),
}


def work_checks(findings: Findings, language: str) -> Iterator[Check]:
    """Check workers, dead letters and the caller's open runs."""
    faults = Faults(TEXTS, language)
    if (work := findings.work) is not None:
        yield _workers(faults, work)
        if work.dead_letters:
            yield faults.of("given-up work", "dead_letters", count=work.dead_letters)
        else:
            yield passed("given-up work")
    if findings.read_models is not None and findings.read_models.stuck_runs is not None:
        yield _runs(faults, findings.read_models.stuck_runs)


def _workers(faults: Faults, work: Work) -> Check:
    workers = work.workers
    if not workers.alive:
        return faults.of("workers", "worker_none")
    shared = [kind.consumer for kind in KINDS]
    names = [name for name in shared if (q := workers.queue(name)) and q.neglected]
    if not workers.reacting:
        names.insert(0, REACTOR)
    return (
        faults.of("workers", "work_unserved", names=", ".join(names))
        if names
        else passed("workers")
    )


def _runs(faults: Faults, stuck: list[UUID]) -> Check:
    if not stuck:
        return passed("runs")
    names = ", ".join(map(str, stuck[:SHOWN]))
    return faults.of("runs", "runs_stuck", count=len(stuck), names=names)
