"""Brings a run to its machine, follows it to the end, and records what came of it.

Every step may be the last before the process dies. So a claim is in the log before anything is put
on the machine, and a worker that takes over first asks the machine what it knows of the prompt.
"""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Never
from uuid import UUID

from msgspec import Struct

from consumers.delivery import RetryLater
from consumers.machines.driver_pool import DriverPool, MachineUnusable
from consumers.run.commands import RunCommands, RunSession, timed, timed_before
from consumers.run.errors import cut, run_error
from consumers.run.follow import Follower
from consumers.run.outages import Outages, unreachable
from consumers.run.outcome import OutcomeRecorder
from consumers.run.prepare import Prepared, Preparer, RunCannotStart, check, prepare
from events.aggregates import RUN
from events.machine.state import MachineState
from events.run.commands import ClaimRun, ConfirmCancel, FailRun, LoseAttempt, NoteWaiting
from events.run.events import RunError
from events.run.state import Run
from events.run.waiting import WaitingReason
from infra.event_store import EventStore, load
from infra.jetstream.private_data import PrivateData
from infra.jetstream.work.consumers import ACK_WAIT
from infra.machine_driver import (
    Lost,
    MachineDriver,
    MachineRefused,
    MachineUnreachable,
    OutcomeUnknown,
    PromptState,
    WorkflowRejected,
)
from infra.s3.port import StorageRefused, StorageUnavailable

SUBMISSIONS = 3
"""How often a prompt is offered to a machine within one attempt."""

STOPPED_PAUSE = 2.0
"""Seconds between two looks whether a machine was resumed."""

FORGOTTEN_AFTER = timedelta(seconds=10)
"""Age of a run's last fact from which on the machine may know the next prompt already: the log came
out of a backup that is older than the claim. Nobody restores faster; asking costs milliseconds."""

SUBMITTED_WITHIN = timedelta(seconds=2 * ACK_WAIT)
"""Age of a claim up to which its worker may be about to submit the prompt."""

STOPPED = {
    MachineState.DRAINING: WaitingReason.MACHINE_DRAINING,
    MachineState.DISABLED: WaitingReason.MACHINE_DISABLED,
}
"""States in which a machine gets nothing new, and what its runs wait for."""


class Renderer(Struct, frozen=True, kw_only=True):
    """Brings runs to their machines and follows them to the end."""

    store: EventStore
    private: PrivateData
    machines: DriverPool
    preparer: Preparer
    follower: Follower
    recorder: OutcomeRecorder
    runs: RunCommands
    pause: Callable[[float], Awaitable[None]]
    """Waits so many seconds."""

    outages: Outages

    async def render(self, run_id: UUID, delivery: int) -> None:
        """Do all that a run needs of a machine.

        Raises:
            RetryLater: the machine or the storage does not answer, or the retry is not due.
            Superseded: another worker has the run.
            LogUnavailable: the log does not answer.

        """
        session = await load(self.store, RUN, run_id)
        run = session.state
        if run is None:
            return
        if run.erased_at is not None:
            # A worker that put texts too late may have died before it could see that.
            await self.private.erase(run_id)
        if run.ended or run.produced:
            return
        if run.retry_due and run.retry_due > self.runs.now():
            raise RetryLater((run.retry_due - self.runs.now()).total_seconds())
        self._leave_to_its_worker(run)
        try:
            known = await self.machines.find(run.machine_id)
            if not run.claimed and known.state in STOPPED:
                await self._wait_for_machine(session, STOPPED[known.state])
            async with self.machines.using(known) as machine:
                await self._render_on(machine, known.name, session)
        except (MachineUnreachable, StorageUnavailable, StorageRefused) as error:
            await self._wait_or_fail(session, delivery, error)
        except (WorkflowRejected, RunCannotStart, MachineUnusable, MachineRefused) as error:
            await self.runs.send(session, FailRun(error=_refusal(error), now=self.runs.now()))

    def _leave_to_its_worker(self, run: Run) -> None:
        """Postpone a run that was claimed a moment ago and that no machine is known to have taken.

        A queue whose leader has died may give one piece of work to two workers at once. The
        machine of the first may not have heard of the prompt yet, so asking it proves nothing.
        """
        if not run.claimed or run.accepted or run.waiting is not None:
            return
        age = self.runs.now() - run.updated_at
        if timedelta() <= age < SUBMITTED_WITHIN:
            raise RetryLater((SUBMITTED_WITHIN - age).total_seconds())

    async def _wait_for_machine(self, session: RunSession, reason: WaitingReason) -> Never:
        """Wait until someone resumes the machine, however long that takes."""
        machine_id = session.existing.machine_id
        await self.runs.send(
            session, NoteWaiting(reason=reason, machine_id=machine_id, now=self.runs.now())
        )
        raise RetryLater(STOPPED_PAUSE)

    async def _render_on(self, machine: MachineDriver, name: str, session: RunSession) -> None:
        waited_until = self.runs.now()
        with timed("run.prepare", session):
            attempt = await self._prepared(machine, name, session, waited_until)
        if attempt is None:
            return
        run = session.existing
        if not attempt.submitted and (
            unanswered := await self._submit(session, machine, attempt.prepared)
        ):
            reason = cut(f"the machine took nothing: {unanswered}")
            lost = LoseAttempt(attempt=run.attempt, reason=reason, now=self.runs.now())
            await self.runs.send(session, lost)
        else:
            await self.follower.follow(session, run, machine, attempt.prepared)

    async def _prepared(
        self, machine: MachineDriver, name: str, session: RunSession, waited_until: datetime
    ) -> "_Attempt | None":
        """Read, ask, claim, and only then put anything on the machine; None when it is over."""
        before = session.existing
        material = await self.preparer.load(session, machine)
        if before.claimed and before.prompt_id is not None:
            # A machine that does not answer is found out before yet another claim is recorded.
            await machine.look_up(before.prompt_id)
        else:
            # A claimed run's machine may have the prompt already, whatever it can do by now.
            await check(before.id, material, machine)
        run = await self._claim(session, name)
        if run.ended or not run.claimed or run.prompt_id is None:
            return None
        if not before.claimed:
            _trace_wait(session, before, waited_until)
        may_be_known = before.claimed or self.runs.now() - before.updated_at > FORGOTTEN_AFTER
        known = await machine.look_up(run.prompt_id) if may_be_known else Lost()
        lost = isinstance(known, Lost)
        if lost and (run.accepted or run.cancel_requested):
            await self.recorder.record(session, run.attempt, Lost())
            return None
        prepared = await prepare(run.prompt_id, material, machine)
        if lost and not await self._still_claimed(session, name):
            return None
        return _Attempt(prepared, submitted=not lost)

    async def _claim(self, session: RunSession, machine_name: str) -> Run:
        """Record that this worker has the run; raise Superseded when another was faster."""
        before = session.existing
        claim = ClaimRun(
            machine_id=before.machine_id,
            machine_name=machine_name,
            worker=self.runs.worker,
            now=self.runs.now(),
            fence=before.fence,
        )
        await self.runs.send(session, claim)
        return session.existing

    async def _still_claimed(self, session: RunSession, machine_name: str) -> bool:
        """Renew a claim that others may soon take for abandoned: large images take their time."""
        run = session.existing
        if self.runs.now() - run.updated_at < SUBMITTED_WITHIN / 2:
            return True
        run = await self._claim(session, machine_name)
        if run.claimed and run.cancel_requested:
            await self.recorder.record(session, run.attempt, Lost())
        return session.existing.claimed and not session.existing.ended

    async def _submit(self, session: RunSession, machine: MachineDriver, prepared: Prepared) -> str:
        """Offer the prompt until the machine has it; return why it has not, nothing when it has.

        Raises:
            MachineUnreachable: it was not even sent, so that nothing is lost by waiting.

        """
        prompt_id = session.existing.prompt_id
        assert prompt_id is not None  # it was claimed
        unanswered = ""
        for _ in range(SUBMISSIONS):
            try:
                with timed("run.submit", session):
                    await machine.submit(prompt_id, prepared.graph, ui_graph=prepared.ui_graph)
            except OutcomeUnknown as error:
                if not isinstance(await self._ask_twice(machine, prompt_id), Lost):
                    return ""
                unanswered = str(error)
            else:
                return ""
        return unanswered

    async def _ask_twice(self, machine: MachineDriver, prompt_id: UUID) -> PromptState:
        """Ask what became of a submission without an answer; a slow machine may queue it late."""
        known = await machine.look_up(prompt_id)
        if isinstance(known, Lost):
            await self.pause(random.uniform(2, 6))  # noqa: S311 -- the seed's pause, with jitter
            known = await machine.look_up(prompt_id)
        return known

    async def _wait_or_fail(self, session: RunSession, delivery: int, error: Exception) -> None:
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
            lost = LoseAttempt(attempt=run.attempt, reason=cut(str(error)), now=self.runs.now())
            await self.runs.send(session, lost)
        else:
            reason = unreachable(error, str(error))
            await self.runs.send(session, FailRun(error=reason, now=self.runs.now()))


class _Attempt(NamedTuple):
    """An attempt that is ready to be submitted, or to be followed."""

    prepared: Prepared
    submitted: bool
    """The machine has the prompt already."""


def _trace_wait(session: RunSession, before: Run, until: datetime) -> None:
    """Add to the trace how long an attempt waited for its turn; another worker may take it over."""
    timed_before("run.wait", session, start=before.retry_due or before.created_at, end=until)


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
