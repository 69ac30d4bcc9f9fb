"""Checks of the log's server: whether it answers, writes, and keeps its streams as declared."""

from collections.abc import Iterator
from datetime import timedelta

from app.doctor.checks.check import Check, Faults, passed
from app.doctor.findings import Cluster, Findings
from events.messages.texts import Texts
from infra.jetstream.health.log import LogHealth

OLDEST_NATS = (2, 12)
"""Atomic batches came with it."""

SMALLEST_MESSAGE = 1024 * 1024
CLOCK_SLACK = timedelta(seconds=2)
NEARLY_FULL = 0.8
"""Share of a limit; beyond it there is not much time to act."""

TEXTS: Texts = {
    "log_away": "no answer",
    "log_away.fix": "start NATS; check NATS_URL",
    "log_old": "NATS {version} is too old",
    "log_old.fix": "use NATS 2.12 or newer",
    "log_small": "messages are limited to {bytes} bytes",
    "log_small.fix": "set max_payload to 1MB or more",
    "log_unwritable": "NATS answers, but cannot write: no run is accepted",
    "log_unwritable.fix": "make room on its disk, then restart NATS (`comfyd up` restarts its own)",
    "streams_differ": "not as declared: {names}",
    "streams_differ.fix": "run `comfyd migrate`",
    "clock_off": "{seconds} s apart from the log's",
    "clock_off.fix": "let NTP set both clocks",
    "log_leaderless": "NATS answers, but {names} has no leader: nothing can be written",
    "log_leaderless.fix": "start the servers that are away: more than half of the cluster must run",
    "streams_compressed": (
        "compressed and replicated: {names}; a replica may break when its server is killed"
    ),
    "streams_compressed.fix": "run `comfyd migrate`",
    "streams_near_limit": "nearly full: {names}; a full stream rejects new messages",
    "streams_near_limit.fix": "raise the limits of the stream or of the account in NATS",
    "disk_low": "{megabytes} MB are free for the servers' data",
    "disk_low.fix": "make room on the disk of COMFYD_DATA; on a full one no run is accepted",
}


def log_checks(findings: Findings, language: str) -> Iterator[Check]:
    """Check the server that answers, its streams and its clock."""
    faults = Faults(TEXTS, language)
    log, cluster = findings.log, findings.cluster
    if leaderless := _leaderless(cluster):
        yield faults.of("log", "log_leaderless", names=leaderless)
    elif log is None:
        yield faults.of("log", "log_away")
    else:
        yield _server(faults, log)
    if log is not None:
        yield from _streams(faults, log, cluster)
        yield _clock(faults, log)
    if disk := findings.disk:
        megabytes = disk.free // 1_000_000
        yield faults.of("disk", "disk_low", megabytes=megabytes) if disk.low else passed("disk")


def _leaderless(cluster: Cluster | None) -> str:
    if cluster is None or not cluster.connected:
        return ""
    return ", ".join(stream.name for stream in cluster.streams if not stream.leader)


def _server(faults: Faults, log: LogHealth) -> Check:
    if log.version < OLDEST_NATS:
        return faults.of("log", "log_old", version=".".join(map(str, log.version)))
    if log.largest_message < SMALLEST_MESSAGE:
        return faults.of("log", "log_small", bytes=log.largest_message)
    if not log.writable:
        return faults.of("log", "log_unwritable")
    return passed("log")


def _streams(faults: Faults, log: LogHealth, cluster: Cluster | None) -> Iterator[Check]:
    bad = [
        faults.of("streams", code, names=", ".join(names))
        for code, names in (
            ("streams_differ", list(log.differing)),
            ("streams_compressed", _compressed(cluster)),
            ("streams_near_limit", _nearly_full(cluster)),
        )
        if names
    ]
    yield from bad or (passed("streams"),)


def _compressed(cluster: Cluster | None) -> list[str]:
    streams = cluster.streams if cluster else ()
    return [stream.name for stream in streams if stream.compressed and stream.copies > 1]


def _nearly_full(cluster: Cluster | None) -> list[str]:
    if cluster is None:
        return []
    shares = {stream.name: stream.fullness for stream in cluster.streams}
    shares["JetStream"] = cluster.storage_in_use
    return [f"{name} {share:.0%}" for name, share in shares.items() if share >= NEARLY_FULL]


def _clock(faults: Faults, log: LogHealth) -> Check:
    apart = abs(log.clock_ahead or timedelta())
    if apart > CLOCK_SLACK:
        return faults.of("clock", "clock_off", seconds=f"{apart.total_seconds():.1f}")
    return passed("clock")
