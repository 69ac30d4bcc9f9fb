"""The status of a run, and the one table of steps it may take.

Rules for changing this file: a status only moves forward; an ended run stays ended; a report may
be missed, so a step may skip what lies between. docs/lifecycle.md is generated from the table.
"""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """Where a run stands."""

    NOT_STARTED = "not-started"
    """Accepted; waiting for its machine."""

    QUEUED = "queued"
    """Claimed by a worker for its machine."""

    STARTED = "started"
    """In the machine's own queue."""

    RUNNING = "running"
    """The machine is executing it."""

    UPLOADING = "uploading"
    """Rendered; its files are on their way to object storage."""

    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"


_END = frozenset({Status.FAILED, Status.CANCELLED, Status.TIMEOUT})

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.NOT_STARTED: _END
    | {Status.QUEUED, Status.STARTED, Status.RUNNING, Status.UPLOADING, Status.SUCCESS},
    Status.QUEUED: _END | {Status.STARTED, Status.RUNNING, Status.UPLOADING, Status.SUCCESS},
    Status.STARTED: _END | {Status.RUNNING, Status.UPLOADING, Status.SUCCESS},
    Status.RUNNING: _END | {Status.UPLOADING, Status.SUCCESS},
    Status.UPLOADING: _END | {Status.SUCCESS},
    Status.SUCCESS: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.TIMEOUT: frozenset(),
}

TERMINAL = frozenset(status for status, nexts in TRANSITIONS.items() if not nexts)


def can_become(status: Status, goal: Status) -> bool:
    """Whether the table has a step from *status* to *goal*."""
    return goal in TRANSITIONS[status]
