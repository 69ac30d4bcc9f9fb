"""Why a run waits: the words for it, and how long it has been the same wait."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from events.run.commands import NoteWaiting
from events.run.events import RunEvent, RunWaiting

MAX_WAITS = 50
"""Outages that a run sits through; a machine that comes and goes more often is no machine."""


class WaitingReason(StrEnum):
    """What a run waits for."""

    MACHINE_QUEUE = "machine_queue"
    """Its turn: the machine has as many runs as it may hold."""

    COMFYUI_QUEUE = "comfyui_queue"
    """Its turn in the machine's own queue."""

    MACHINE_UNREACHABLE = "machine_unreachable"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    MACHINE_DRAINING = "machine_draining"
    MACHINE_DISABLED = "machine_disabled"
    RETRY_DUE = "retry_due"
    """The pause before the next attempt."""


OUTAGES = frozenset({WaitingReason.MACHINE_UNREACHABLE, WaitingReason.STORAGE_UNAVAILABLE})
"""Waits that end a run when they last too long."""


class Waiting(Struct, frozen=True, kw_only=True):
    """What a run waits for now."""

    reason: str
    detail: str
    machine_id: UUID | None
    since: datetime


def waiting_after(
    before: Waiting | None, *, reason: str, detail: str, machine_id: UUID | None, at: datetime
) -> Waiting | None:
    """Return the wait that a run is in; one outage that follows another prolongs it."""
    if not reason:
        return None
    prolonged = before is not None and {before.reason, reason} <= OUTAGES
    since = before.since if before is not None and prolonged else at
    return Waiting(reason=reason, detail=detail, machine_id=machine_id, since=since)


def decide_waiting(before: Waiting | None, waits: int, command: NoteWaiting) -> list[RunEvent]:
    """Return the event that a run waits for something else than before, if it does.

    What comes and goes all the time is noted MAX_WAITS times: the log of a run has an end.
    """
    known = (before.reason, before.machine_id) if before else ("", None)
    wanted = (command.reason, command.machine_id if command.reason else None)
    if known == wanted or (command.reason and waits >= MAX_WAITS):
        return []
    return [
        RunWaiting(
            reason=command.reason,
            detail=command.detail,
            machine_id=wanted[1],
            at=command.now,
        )
    ]
