"""What the doctor says of what it finds: each fault by itself, with its fix, in both languages."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

from app.doctor.checks.evaluate import TEXTS, evaluate
from app.doctor.findings import Cluster, Findings, MachineFinding, ReadModels, Work
from events.errors import Problem
from infra.embedded.disk import Disk
from infra.jetstream.health.log import LogHealth
from infra.jetstream.health.nodes import Node
from infra.jetstream.health.replicas import Replica, StreamHealth
from infra.jetstream.health.workers import Queue, Workers
from infra.s3.cors import RULE_TEXT
from infra.s3.probe import StorageProbe

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LOG = LogHealth(version=(2, 12, 1), largest_message=1 << 20, differing={}, position=9_000)
MACHINE = MachineFinding(name="gpu-1", state="active", observed=True)
TABLES = ReadModels(version=15, position=9_000, machines=[MACHINE], stuck_runs=[])
STORAGE = StorageProbe(url="https://cdn/x", upload_url="https://s3/y")
REPLICA = Replica(node="n2", silent=False, behind=0)
STREAM = StreamHealth(
    name="RUNS", leader="n1", clustered=True, copies=3, replicas=(REPLICA,), fullness=0.5
)
NODES = [
    Node(address=f"n{n}:4222", configured=True, answers=True, version="2.15.1") for n in (1, 2, 3)
]
CLUSTER = Cluster(streams=[STREAM], nodes=NODES, copies_wanted=3, storage_in_use=0.1)
REACTOR = Queue(name="reactor", listening=True)
UPLOAD = Queue(name="upload", listening=False, waiting=4, in_hand=32)
WORK = Work(workers=Workers(queues=(REACTOR, UPLOAD)))
WELL = Findings(
    time=NOW,
    log=LOG,
    storage=STORAGE,
    read_models=TABLES,
    cluster=CLUSTER,
    work=WORK,
    disk=Disk(free=5_000_000_000, total=10_000_000_000),
)
RUN = UUID(int=7)


def with_(part: str, **changes: object) -> Findings:
    """Change one part of what is well."""
    found: Struct = getattr(WELL, part)
    return replace(WELL, **{part: replace(found, **changes)})


def with_stream(**changes: object) -> Findings:
    """Change the log of a cluster that is well."""
    return with_("cluster", streams=[replace(STREAM, **changes)])


def with_node(**changes: object) -> Findings:
    """Change a server of a cluster that is well."""
    return with_("cluster", nodes=[*NODES[1:], replace(NODES[0], **changes)])


def with_queues(*queues: Queue) -> Findings:
    """Replace what asks for work."""
    return with_("work", workers=Workers(queues=queues))


FAULTS = {
    "log_away": replace(WELL, log=None),
    "log_old": with_("log", version=(2, 11, 9)),
    "log_small": with_("log", largest_message=64_000),
    "log_unwritable": with_("log", writable=False),
    "log_leaderless": with_stream(leader="", replicas=()),
    "disk_low": replace(WELL, disk=Disk(free=900_000_000, total=10_000_000_000)),
    "streams_compressed": with_stream(compressed=True),
    "streams_near_limit": with_stream(fullness=0.8),
    "node_away": with_node(answers=False, version=""),
    "replica_silent": with_stream(replicas=(replace(REPLICA, silent=True),)),
    "replica_behind": with_stream(replicas=(replace(REPLICA, behind=993),)),
    "replicas_few": with_stream(copies=1, replicas=()),
    "versions_differ": with_node(version="2.14.7"),
    "worker_none": with_queues(replace(REACTOR, listening=False), UPLOAD),
    "work_unserved": with_queues(REACTOR, replace(UPLOAD, in_hand=0)),
    "dead_letters": with_("work", dead_letters=2),
    "runs_stuck": with_("read_models", stuck_runs=[RUN]),
    "projector_none": with_("read_models", projectors=0),
    "projector_still": with_("read_models", stalled=True, position=8_000),
    "quarantined": with_("read_models", quarantined=1),
    "machine_unserved": with_("read_models", machines=[replace(MACHINE, unserved=2)]),
    "streams_differ": with_("log", differing={"RUNS": ("missing",)}),
    "clock_off": with_("log", clock_ahead=timedelta(seconds=-3)),
    "postgres_away": replace(WELL, read_models=None),
    "postgres_old": with_("read_models", version=14),
    "postgres_full": with_("read_models", write_error="No space left on device"),
    "behind": with_("read_models", position=3_999),
    "storage_write": with_("storage", write_error="AccessDenied"),
    "storage_read": with_("storage", read_error="it answers 403"),
    "files_read": with_("storage", read_error="it answers 403", is_ours=True),
    "storage_cors": with_("storage", reading_lacks="Access-Control-Allow-Origin: *"),
    "files_cors": with_("storage", reading_lacks="Access-Control-Allow-Origin: *", is_ours=True),
    "storage_upload": with_("storage", upload_error="it answers 403"),
    "storage_cors_upload": with_("storage", storing_lacks="Access-Control-Allow-Methods: PUT"),
    "machine_none": with_("read_models", machines=[]),
    "machine_unseen": with_("read_models", machines=[replace(MACHINE, observed=False)]),
    "machine_silent": with_("read_models", machines=[replace(MACHINE, silence="refused")]),
    "machine_plugin_unusable": with_(
        "read_models",
        machines=[replace(MACHINE, plugin_fault=Problem(code="callback_url_missing"))],
    ),
    "machine_resting": with_("read_models", machines=[replace(MACHINE, state="draining")]),
}


def test_what_is_well_is_said_to_be_so() -> None:
    checks = evaluate(WELL, "en")
    assert [check.name for check in checks if check.ok] == [
        "log",
        "streams",
        "clock",
        "disk",
        "cluster",
        "postgres",
        "projector",
        "storage",
        "workers",
        "given-up work",
        "runs",
        "machine gpu-1",
    ]
    assert len(checks) == 12


def test_one_server_alone_is_no_cluster_and_needs_none() -> None:
    alone = Cluster(streams=[StreamHealth(name="RUNS", leader="here")], nodes=NODES[:1])
    names = [check.name for check in evaluate(replace(WELL, cluster=alone), "en")]
    assert "cluster" not in names


@pytest.mark.parametrize(
    ("cluster", "codes"),
    [
        # Several were asked for, of a server that stands alone.
        (
            Cluster(
                streams=[StreamHealth(name="RUNS", leader="here")],
                nodes=NODES[:1],
                copies_wanted=3,
            ),
            ["replicas_few"],
        ),
        # The cluster names an address of a network that we are not in.
        (
            replace(
                CLUSTER,
                nodes=[replace(node, configured=False, answers=False) for node in NODES],
            ),
            [],
        ),
        # One server alone may compress: nothing there is replicated.
        (
            Cluster(
                streams=[StreamHealth(name="RUNS", leader="here", compressed=True)],
                nodes=NODES[:1],
            ),
            [],
        ),
    ],
)
def test_a_cluster_is_judged_by_what_it_is(cluster: Cluster, codes: list[str]) -> None:
    checks = evaluate(replace(WELL, cluster=cluster), "en")
    assert [check.code for check in checks if not check.ok] == codes


def test_a_log_without_a_leader_is_not_called_away_or_full() -> None:
    leaderless = with_stream(leader="", replicas=())
    for log in (None, replace(LOG, writable=False)):
        checks = evaluate(replace(leaderless, log=log), "en")
        assert [check.code for check in checks if not check.ok] == ["log_leaderless"]


def test_where_nobody_answers_nothing_is_said_of_leaders() -> None:
    cluster = replace(CLUSTER, streams=[replace(STREAM, leader="")], connected=False)
    checks = evaluate(replace(WELL, log=None, cluster=cluster), "en")
    assert [check.code for check in checks if not check.ok] == ["log_away"]


def test_a_worker_without_the_log_is_named_with_what_it_leaves_undone() -> None:
    half = with_queues(replace(REACTOR, listening=False), replace(UPLOAD, listening=True))
    (bad,) = [check for check in evaluate(half, "en") if not check.ok]
    assert (bad.code, "reactor" in bad.detail) == ("work_unserved", True)


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_fault_is_found_alone_and_with_its_fix(code: str, language: str) -> None:
    (bad,) = [check for check in evaluate(FAULTS[code], language) if not check.ok]
    assert bad.code == code
    assert bad.detail
    assert bad.fix
    assert "{" not in (bad.detail + bad.fix).replace(RULE_TEXT, "")
    chinese = any("\u4e00" <= character <= "\u9fff" for character in bad.detail)
    assert chinese == (language == "zh")


def test_what_pages_lack_is_named_with_the_rule_that_adds_it() -> None:
    both = with_("storage", reading_lacks="Access-Control-Allow-Origin: *", storing_lacks="200")
    reading, storing = [check for check in evaluate(both, "en") if not check.ok]
    assert (
        "GET https://cdn/x with Origin: null lacks Access-Control-Allow-Origin: *" in reading.detail
    )
    assert "OPTIONS https://s3/y" in storing.detail
    assert reading.fix.endswith(RULE_TEXT)
    assert storing.fix.endswith(RULE_TEXT)


def test_every_word_belongs_to_a_fault_that_is_tested() -> None:
    assert {key.removesuffix(".fix") for key in TEXTS} == FAULTS.keys()


def test_the_log_is_not_blamed_for_what_it_could_not_say() -> None:
    unknown = with_("log", clock_ahead=None, differing={"RUNS": ("missing",)}, position=0)
    assert [check.code for check in evaluate(unknown, "en") if not check.ok] == ["streams_differ"]
