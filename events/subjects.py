"""The grammar of subjects: one exact subject per aggregate.

ev.<shard>.<slice>.<kind>-<id> in the log, live.<kind>-<id> for the copies that followers hear.
The event's type is a header and never part of the subject: expectations on wildcards are unsafe
on a cluster (docs/adr/0003).
"""

from uuid import UUID
from zlib import crc32

LOG = "RUNS"
WORK = "WORK"
INPUTS = "INPUTS"
DEAD_LETTERS = "DLQ"
PROBE = "PROBE"

SLICES = 256
"""Number of slices. Fixed for ever: another count would break every expectation."""

SHARD = "0"


def aggregate(kind: str, identifier: UUID) -> str:
    """Name one aggregate, such as run-0190…"""
    return f"{kind}-{identifier}"


def kind_of(name: str) -> str:
    """Return the kind of an aggregate's name."""
    return name.split("-", 1)[0]


def identifier_of(name: str) -> UUID:
    """Return the id in an aggregate's name.

    Raises:
        ValueError: there is none.

    """
    return UUID(name.partition("-")[2])


def subject(name: str) -> str:
    """Return the subject of the aggregate *name*."""
    return f"ev.{SHARD}.{crc32(name.encode()) % SLICES}.{name}"


def aggregate_of(log_subject: str) -> str:
    """Return the aggregate's name in a subject of the log."""
    return log_subject.rsplit(".", 1)[1]


def live(name: str) -> str:
    """Return the subject on which new events of *name* are published."""
    return f"live.{name}"


def live_progress(run_id: str) -> str:
    """Return the subject of a run's progress; it is not stored."""
    return f"live.pg.{run_id}"


def live_prompt(prompt_id: UUID) -> str:
    """Return the subject of what a machine's callbacks say of a prompt; it is not stored."""
    return f"live.prompt.{prompt_id}"


def inputs(run_id: UUID, request_hash: str) -> str:
    """Return the subject that holds a run's inputs, as one request brought them."""
    return f"in.{run_id}.{request_hash}"


_TEXTS = "texts-"


def texts(run_id: UUID, attempt: int) -> str:
    """Return the subject that holds the texts which an attempt produced."""
    return f"in.{run_id}.{_TEXTS}{attempt}"


def machine_log(run_id: UUID, attempt: int) -> str:
    """Return the subject that holds what the machine of an attempt logged."""
    return f"in.{run_id}.log-{attempt}"


def is_of_inputs(subject_name: str) -> bool:
    """Whether a subject of a run's private data is erased with its inputs; only texts are not.

    A machine's log may repeat what it was given.
    """
    return not subject_name.rpartition(".")[2].startswith(_TEXTS)


def private_data(run_id: UUID) -> str:
    """Return the pattern of all subjects that hold private data of a run."""
    return f"in.{run_id}.*"


def given_up(key_hash: str) -> str:
    """Return the subject of the mark that an input image may not be used any more."""
    return f"in.given-up.{key_hash}"


def render_work(machine_id: UUID) -> str:
    """Return the subject of the runs that wait for a machine."""
    return f"work.render.{machine_id}"


WRITE_PROBE = "probe.write"
"""Where one message is written over and over, to see whether anything can be written."""

UPLOAD_WORK = "work.upload"
OBSERVE_WORK = "work.observe"
ERASE_WORK = "work.erase"
BATCH_WORK = "work.batch"
THUMBNAIL_WORK = "work.thumbnail"


def dead_letters(subject_name: str) -> str:
    """Return the subject for messages of *subject_name* that could not be handled."""
    return f"dlq.{subject_name}"
