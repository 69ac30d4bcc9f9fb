"""Retry policy for outages: how long a run waits for a machine or a storage that does not answer.

Rendering and uploading share it: both wait COMFYD_MACHINE_WAIT, by the clock of the log.
"""

import math

from msgspec import Struct

from consumers.delivery import RetryLater
from consumers.run.commands import RunCommands, RunSession, run_error
from events.run.commands import NoteWaiting
from events.run.events import RunError
from events.run.state import Run
from events.run.waiting import WaitingReason
from infra.machine_driver import MachineUnreachable

LONGEST_DETAIL = 500
"""Characters kept of what did not answer; a proxy may answer with a whole page."""

LONGEST_PAUSE = 5.0
"""Seconds between two tries to reach a machine or a storage that does not answer."""


class Outages(Struct, frozen=True, kw_only=True):
    """Notes outages in a run's log, and limits the time a run waits for their end."""

    runs: RunCommands
    patience: float
    """Seconds a run may wait for a machine or a storage that does not answer."""

    async def wait(self, session: RunSession, error: Exception, delivery: int) -> None:
        """Postpone a run that *error* holds up; return once it has waited too long.

        Raises:
            RetryLater: it may wait longer.
            LogUnavailable: the log does not answer.

        """
        note = await self.note(session, error)
        if _waited(session.existing, note) <= self.patience:
            raise RetryLater(min(float(delivery), LONGEST_PAUSE)) from error

    async def note(
        self, session: RunSession, error: Exception, *, fence: int | None = None
    ) -> NoteWaiting:
        """Note that *error* holds up a run.

        Raises:
            Superseded: *fence* is not that of the last claim.
            LogUnavailable: the log does not answer.

        """
        machine_away = isinstance(error, MachineUnreachable)
        note = NoteWaiting(
            reason=(
                WaitingReason.MACHINE_UNREACHABLE
                if machine_away
                else WaitingReason.STORAGE_UNAVAILABLE
            ),
            detail=str(error)[:LONGEST_DETAIL],
            machine_id=session.existing.machine_id if machine_away else None,
            now=self.runs.now(),
            fence=fence,
        )
        await self.runs.send(session, note)
        return note


def unreachable(error: Exception, message: str) -> RunError:
    """Return the error of a run that waited too long for what raised *error*."""
    away = "machine" if isinstance(error, MachineUnreachable) else "storage"
    return run_error(f"{away}_unreachable", message)


def _waited(run: Run, note: NoteWaiting) -> float:
    """Return the seconds that a run has waited, infinitely many after too many outages.

    Of a rendered run no more outages may be noted either, but it counts from the last fact: what
    its machine has rendered is not given up sooner than what no machine has begun.
    """
    if run.waiting is not None and run.waiting.reason == note.reason:
        return (note.now - run.waiting.since).total_seconds()
    return (note.now - run.updated_at).total_seconds() if run.produced else math.inf
