"""Checks of a NATS cluster: its servers, their versions, and the replicas of the streams."""

from collections.abc import Iterator

from app.doctor.checks.check import Check, Faults, passed
from app.doctor.findings import Cluster
from events.messages.texts import Texts

TEXTS: Texts = {
    "node_away": "{names} does not answer",
    "node_away.fix": "start that server, or check its address in NATS_URL and the network",
    "replica_silent": "the replicas on {names} do not answer: one more failure may stop all writes",
    "replica_silent.fix": (
        "start that server; if it does not come up, empty its store_dir and start it again"
    ),
    "replica_behind": "the replicas on {names} are behind their leaders",
    "replica_behind.fix": (
        "wait some seconds; if it lasts, stop that server, empty its store_dir, start it again"
    ),
    "replicas_few": "kept on fewer servers than there should be: {names}",
    "replicas_few.fix": "run `comfyd migrate --replicas {wanted}`",
    "versions_differ": "the servers have different versions: {names}",
    "versions_differ.fix": "upgrade all of them to the newest of these, one at a time",
}
REPLICAS = 3
"""The least that outlives a server and can still be written."""


def cluster_checks(cluster: Cluster | None, language: str) -> Iterator[Check]:
    """Check servers and replicas; a single server without replicas wanted is no cluster."""
    if cluster is None:
        return
    clustered = any(stream.clustered for stream in cluster.streams)
    wanted = max(cluster.copies_wanted, REPLICAS if clustered else 1)
    if wanted == 1 and len(cluster.nodes) == 1:
        return
    faults = Faults(TEXTS, language)
    bad = [
        faults.of("cluster", code, names=", ".join(names), wanted=wanted)
        for code, names in (
            ("node_away", _away(cluster)),
            ("replica_silent", _silent(cluster)),
            ("replica_behind", _behind(cluster)),
            ("replicas_few", _few(cluster, wanted)),
            ("versions_differ", _versions(cluster)),
        )
        if names
    ]
    yield from bad or (passed("cluster"),)


def _away(cluster: Cluster) -> list[str]:
    # What the cluster names of itself may be addresses of a network that we are not in.
    return [node.address for node in cluster.nodes if node.configured and not node.answers]


def _silent(cluster: Cluster) -> list[str]:
    found = (replica for stream in cluster.streams for replica in stream.replicas)
    return sorted({replica.node for replica in found if replica.silent})


def _behind(cluster: Cluster) -> list[str]:
    lags: dict[str, list[str]] = {}
    for stream in cluster.streams:
        for replica in stream.replicas:
            if replica.behind:
                lags.setdefault(replica.node, []).append(f"{stream.name} {replica.behind}")
    return [f"{node} ({', '.join(streams)})" for node, streams in sorted(lags.items())]


def _few(cluster: Cluster, wanted: int) -> list[str]:
    return [
        f"{stream.name} {stream.copies}/{wanted}"
        for stream in cluster.streams
        if stream.copies < wanted
    ]


def _versions(cluster: Cluster) -> list[str]:
    found = {node.address: node.version for node in cluster.nodes if node.version}
    if len({*found.values()}) < 2:  # noqa: PLR2004 -- two versions differ
        return []
    return [f"{address} {version}" for address, version in found.items()]
