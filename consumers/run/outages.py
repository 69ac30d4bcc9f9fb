"""Notes that a run waits for a machine or a storage that does not answer, and for how long."""

import math

from consumers.run.commands import RunCommands, RunSession
from events.run.commands import NoteWaiting
from events.run.waiting import WaitingReason
from infra.machine_driver import MachineUnreachable

LONGEST_DETAIL = 500
"""Characters kept of what did not answer; a proxy may answer with a whole page."""


async def note_outage(
    session: RunSession, error: Exception, runs: RunCommands, *, fence: int | None = None
) -> float:
    """Note that *error* keeps a run from going on; return the seconds it has waited by now.

    Infinitely many when it has sat through more outages than any run should.

    Raises:
        Superseded: *fence* is not that of the last claim.
        LogUnavailable: the log does not answer.

    """
    machine_away = isinstance(error, MachineUnreachable)
    note = NoteWaiting(
        reason=(
            WaitingReason.MACHINE_UNREACHABLE if machine_away else WaitingReason.STORAGE_UNAVAILABLE
        ),
        detail=str(error)[:LONGEST_DETAIL],
        machine_id=session.existing.machine_id if machine_away else None,
        now=runs.now(),
        fence=fence,
    )
    await runs.send(session, note)
    waiting = session.existing.waiting
    if waiting is None or waiting.reason != note.reason:
        return math.inf
    return (note.now - waiting.since).total_seconds()
