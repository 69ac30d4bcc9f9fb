"""All checks of what was found: each fault with its fix."""

from app.doctor.checks import cluster, log, machines, read_models, storage, work
from app.doctor.checks.check import Check
from app.doctor.findings import Findings
from events.messages.texts import Texts

TEXTS: Texts = {
    code: phrase
    for part in (log, cluster, read_models, storage, work, machines)
    for code, phrase in part.TEXTS.items()
}


def evaluate(findings: Findings, language: str) -> list[Check]:
    """Check each part; texts are in *language*, en or zh."""
    return [
        *log.log_checks(findings, language),
        *cluster.cluster_checks(findings.cluster, language),
        *read_models.read_model_checks(findings, language),
        *storage.storage_checks(findings.storage, language),
        *work.work_checks(findings, language),
        *machines.machine_checks(findings.read_models, language),
    ]
