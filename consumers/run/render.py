"""Renders a run: submits it to its machine, follows it to the end, and records what came of it.

Every step may be the last before the process dies, so the next worker begins with what the log and
the machine know. What keeps a run from its machine either passes, and is waited for, or fails it.
"""

from datetime import datetime, timedelta
from typing import Never
from uuid import UUID

from msgspec import Struct

from consumers.delivery import RetryLater
from consumers.machines.driver_pool import DriverPool, MachineUnusable
from consumers.run.commands import RunCommands, RunSession, run_error
from consumers.run.follow import Follower
from consumers.run.outages import Outages, unreachable
from consumers.run.outcome import OutcomeRecorder
from consumers.run.prepare import RunCannotStart
from consumers.run.submit import SUBMITTED_WITHIN, Submitter
from events.aggregates import RUN
from events.machine.state import MachineState
from events.run.commands import ConfirmCancel, NoteWaiting
from events.run.events import RunError
from events.run.state import Run
from events.run.waiting import WaitingReason
from infra.event_store import EventStore, load
from infra.machine_driver import MachineRefused, MachineUnreachable, WorkflowRejected
from infra.s3.port import StorageRefused, StorageUnavailable

STOPPED_PAUSE = 2.0
"""Seconds between two looks whether a machine was resumed."""

STOPPED = {
    MachineState.DRAINING: WaitingReason.MACHINE_DRAINING,
    MachineState.DISABLED: WaitingReason.MACHINE_DISABLED,
}
"""States in which a machine gets nothing new, and what its runs wait for."""


class Renderer(Struct, frozen=True, kw_only=True):
    """Brings runs to their machines and follows them to the end."""

    store: EventStore
    machines: DriverPool
    submitter: Submitter
    follower: Follower
    recorder: OutcomeRecorder
    outages: Outages
    runs: RunCommands

    async def render(self, run_id: UUID, delivery: int) -> None:
        """Do all that a run needs of a machine.

        Raises:
            RetryLater: the machine or the storage does not answer, or it is not the run's turn.
            Superseded: another worker has the run.
            LogUnavailable: the log does not answer.

        """
        session = await load(self.store, RUN, run_id)
        if session.state is None:
            return
        # A worker that put texts too late may have died before it could see that.
        await self.recorder.erase_late_texts(session)
        run = session.existing
        if run.ended or run.produced:
            return
        _check_turn(run, self.runs.now())
        try:
            await self._render(session)
        except (MachineUnreachable, StorageUnavailable, StorageRefused) as error:
            await self._wait_or_end(session, delivery, error)
        except (WorkflowRejected, RunCannotStart, MachineUnusable, MachineRefused) as error:
            await self.runs.fail(session, _refusal(error))

    async def _render(self, session: RunSession) -> None:
        run = session.existing
        known = await self.machines.find(run.machine_id)
        if not run.claimed and known.state in STOPPED:
            await self._wait_for_machine(session, STOPPED[known.state])
        async with self.machines.using(known) as machine:
            graph = await self.submitter.submit(session, machine, known.name)
            if graph is not None:
                await self.follower.follow(session, machine, graph)

    async def _wait_for_machine(self, session: RunSession, reason: WaitingReason) -> Never:
        """Wait until someone resumes the machine, however long that takes."""
        machine_id = session.existing.machine_id
        await self.runs.send(
            session, NoteWaiting(reason=reason, machine_id=machine_id, now=self.runs.now())
        )
        raise RetryLater(STOPPED_PAUSE)

    async def _wait_or_end(self, session: RunSession, delivery: int, error: Exception) -> None:
        """Wait for what does not answer, but not for ever.

        An attempt that the machine took is lost then; without one there is nothing to repeat.
        """
        run = session.existing
        if run.cancel_requested:
            await self.runs.send(session, ConfirmCancel(now=self.runs.now()))
            return
        # A claimed run may be rendering all the while: the next worker asks the machine.
        await self.outages.wait(session, error, delivery)
        if run.accepted and run.claimed:
            await self.runs.lose(session, run.attempt, str(error))
        else:
            await self.runs.fail(session, unreachable(error, str(error)))


def _check_turn(run: Run, now: datetime) -> None:
    """Postpone a run whose retry is not due, or that its worker may be about to submit.

    A queue whose leader has died may deliver one piece of work to two workers. The machine of
    the first may not have heard of the prompt yet, so asking it proves nothing.

    Raises:
        RetryLater: it is not the run's turn.

    """
    if run.retry_due and run.retry_due > now:
        raise RetryLater((run.retry_due - now).total_seconds())
    age = now - run.updated_at
    being_submitted = run.claimed and not run.accepted and run.waiting is None
    if being_submitted and timedelta() <= age < SUBMITTED_WITHIN:
        raise RetryLater((SUBMITTED_WITHIN - age).total_seconds())


def _refusal(
    error: WorkflowRejected | RunCannotStart | MachineUnusable | MachineRefused,
) -> RunError:
    if isinstance(error, RunCannotStart):
        return error.error
    if isinstance(error, MachineUnusable | MachineRefused):
        return run_error(error.code, str(error))
    first = error.problems[0]
    return run_error(
        first.code,
        str(error),
        node_id=first.node_id,
        node_class=first.node_class,
        input_name=first.input_name,
    )
