"""Judges the work: whether anybody does it, what was given up, and runs that nobody will do."""

from collections.abc import Iterator
from uuid import UUID

from app.doctor.check import Check, Faults, well
from app.doctor.findings import Findings, Work
from events.words import Phrases
from infra.jetstream.work.consumers import KINDS
from infra.jetstream.work.reactor_durable import REACTOR

SHOWN = 3
"""Runs that are named; a list of hundreds helps nobody."""

WORDS: Phrases = {
    "worker_none": (
        "no worker is listening: runs are accepted and wait",
        "没有工作进程在监听：运行会被接受，但一直等待",
    ),
    "worker_none.fix": ("start `comfyd worker`", "启动 `comfyd worker`"),
    "work_unserved": ("nobody does the work of {names}", "没有工作进程处理：{names}"),
    "work_unserved.fix": (
        "restart `comfyd worker`: one that lost its connection may still run",
        "重启 `comfyd worker`：失去连接的进程可能仍在运行",
    ),
    "dead_letters": (
        "{count} pieces of work were given up during the last day",
        "过去一天有 {count} 项工作被放弃",
    ),
    "dead_letters.fix": (
        "read them (docs/operations.md, Dead letters) and mend the cause; the runs have ended",
        "查看死信（docs/operations.md，Dead letters）并解决原因；相关运行已结束",
    ),
    "runs_stuck": (
        "{count} open runs of yours whose work is in no queue, such as {names}",
        "您有 {count} 个未结束的运行，其工作不在任何队列中，例如 {names}",
    ),
    "runs_stuck.fix": (
        "start `comfyd worker`, which puts it back within half a minute, or cancel and rerun",
        "启动 `comfyd worker`，半分钟内会将其重新排队；否则请取消并重跑这些运行",
    ),
}


def work_checks(findings: Findings, language: str) -> Iterator[Check]:
    """Judge workers, dead letters and the caller's open runs."""
    faults = Faults(WORDS, language)
    if (work := findings.work) is not None:
        yield _workers(faults, work)
        if work.dead_letters:
            yield faults.of("given-up work", "dead_letters", count=work.dead_letters)
        else:
            yield well("given-up work")
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
        faults.of("workers", "work_unserved", names=", ".join(names)) if names else well("workers")
    )


def _runs(faults: Faults, stuck: list[UUID]) -> Check:
    if not stuck:
        return well("runs")
    names = ", ".join(map(str, stuck[:SHOWN]))
    return faults.of("runs", "runs_stuck", count=len(stuck), names=names)
