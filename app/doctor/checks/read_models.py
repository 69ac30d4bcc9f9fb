"""Checks of the read models: Postgres, and the projector that keeps them up with the log."""

from collections.abc import Iterator

from app.doctor.checks.check import Check, Faults, passed
from app.doctor.findings import Findings, ReadModels
from events.messages.texts import Texts
from infra.jetstream.health.log import LogHealth

OLDEST_POSTGRES = 15
FAR_BEHIND = 5_000
"""Events the read models may be behind; a projector folds more than that in a second."""

TEXTS: Texts = {
    "postgres_away": "no answer",
    "postgres_away.fix": "start Postgres; check POSTGRES_URL; run `comfyd migrate`",
    "postgres_old": "Postgres {version} is too old",
    "postgres_old.fix": "use Postgres 15 or newer",
    "postgres_full": "cannot be written: {reason}",
    "postgres_full.fix": "make room on its disk",
    "behind": "{count} events behind the log",
    "behind.fix": "start `comfyd projector`",
    "projector_none": "no projector is connected: lists are not updated",
    "projector_none.fix": "start `comfyd projector`",
    "projector_still": "{count} events behind the log, and not moving",
    "projector_still.fix": (
        "restart `comfyd projector`; its log says why it stopped (`projector.restarted`)"
    ),
    "quarantined": "{count} aggregates in quarantine: their rows are not updated",
    "quarantined.fix": (
        "see `comfyd projections status`; update the projector, run `comfyd projections rebuild`"
    ),
}


def read_model_checks(findings: Findings, language: str) -> Iterator[Check]:
    """Check Postgres and the projector."""
    faults = Faults(TEXTS, language)
    yield _postgres(faults, findings.read_models, findings.log)
    if findings.read_models is not None:
        yield from _projector(faults, findings.read_models, findings.log)


def _postgres(faults: Faults, found: ReadModels | None, log: LogHealth | None) -> Check:
    if found is None:
        return faults.of("postgres", "postgres_away")
    if found.version < OLDEST_POSTGRES:
        return faults.of("postgres", "postgres_old", version=found.version)
    if found.write_error:
        return faults.of("postgres", "postgres_full", reason=found.write_error)
    if log and log.position - found.position > FAR_BEHIND:
        return faults.of("postgres", "behind", count=log.position - found.position)
    return passed("postgres")


def _projector(faults: Faults, found: ReadModels, log: LogHealth | None) -> Iterator[Check]:
    bad: list[Check] = []
    if not found.projectors:
        bad.append(faults.of("projector", "projector_none"))
    elif found.stalled and log:
        count = max(log.position - found.position, 1)
        bad.append(faults.of("projector", "projector_still", count=count))
    if found.quarantined:
        bad.append(faults.of("projector", "quarantined", count=found.quarantined))
    yield from bad or (passed("projector"),)
