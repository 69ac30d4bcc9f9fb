"""Submits a run's prompt to its machine: once for each attempt, whatever dies in between.

The order keeps that promise. The claim is in the log before anything is put on the machine, and the
machine is asked for the prompt before it is submitted: a worker that has died may have done it.
"""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from consumers.run.commands import RunCommands, RunSession, timed, timed_before
from consumers.run.outcome import OutcomeRecorder
from consumers.run.prepare import Material, Prepared, Preparer, check, prepare
from events.run.commands import ClaimRun
from events.run.state import Run
from infra.jetstream.work.consumers import ACK_WAIT
from infra.machine_driver import Graph, Lost, MachineDriver, OutcomeUnknown

SUBMISSIONS = 3
"""How often a prompt is offered to a machine within one attempt."""

SUBMITTED_WITHIN = timedelta(seconds=2 * ACK_WAIT)
"""Age of a claim up to which its worker may be about to submit the prompt."""

FORGOTTEN_AFTER = timedelta(seconds=10)
"""Age of a run's last fact from which on the machine may know the next prompt already: the log came
out of a backup that is older than the claim. No restore is faster; asking costs milliseconds."""


class Submitter(Struct, frozen=True, kw_only=True):
    """Claims runs and submits their prompts."""

    preparer: Preparer
    recorder: OutcomeRecorder
    runs: RunCommands
    pause: Callable[[float], Awaitable[None]]
    """Waits so many seconds."""

    callback_token: Callable[[UUID, int], str]
    """Makes what a machine shows that calls back about an attempt of a run."""

    async def submit(
        self, session: RunSession, machine: MachineDriver, machine_name: str
    ) -> Graph | None:
        """Claim the run and submit its prompt, unless the machine has it; return its graph.

        None: there is nothing to follow, since the run or its attempt is over.

        Raises:
            WorkflowRejected, RunCannotStart, MachineRefused: the machine can never render this.
            MachineUnreachable, StorageUnavailable, StorageRefused: later might work.
            Superseded: another worker has the run.
            LogUnavailable: the log does not answer.

        """
        before, began = session.existing, self.runs.now()
        with timed("run.prepare", session):
            material = await self.preparer.load(session, machine)
            await _check_first(machine, before, material)
            if not await self._claim(session, machine_name):
                return None
            _trace_wait(session, before, began)
            has_prompt = await self._has_prompt(machine, before, session)
            if not has_prompt and not await self._may_submit(session):
                return None
            prepared = await prepare(_prompt_id(session), material, machine)
        if has_prompt:
            return prepared.graph
        if not await self._keep_claim(session, machine_name):
            return None
        return prepared.graph if await self._submit(session, machine, prepared) else None

    async def _claim(self, session: RunSession, machine_name: str) -> bool:
        """Record that this worker has the run; return whether it has an open attempt now.

        Raises:
            Superseded: another worker was faster.

        """
        before = session.existing
        claim = ClaimRun(
            machine_id=before.machine_id,
            machine_name=machine_name,
            worker=self.runs.worker,
            now=self.runs.now(),
            fence=before.fence,
        )
        await self.runs.send(session, claim)
        return session.existing.claimed and not session.existing.ended

    async def _has_prompt(self, machine: MachineDriver, before: Run, session: RunSession) -> bool:
        """Return whether the machine has the prompt from a worker before.

        About a run that was not claimed it is only asked when the log may have been restored.
        """
        age = self.runs.now() - before.updated_at
        if not before.claimed and age <= FORGOTTEN_AFTER:
            return False
        return await _knows(machine, _prompt_id(session))

    async def _may_submit(self, session: RunSession) -> bool:
        """Return whether to submit a prompt that the machine does not have.

        An attempt that the machine had taken is lost instead, and so is that of a cancelled run.
        """
        run = session.existing
        if not run.accepted and not run.cancel_requested:
            return True
        await self.recorder.record(session, run.attempt, Lost())
        return False

    async def _keep_claim(self, session: RunSession, machine_name: str) -> bool:
        """Renew a claim that others may soon take over: putting large images takes a while."""
        if self.runs.now() - session.existing.updated_at < SUBMITTED_WITHIN / 2:
            return True
        return await self._claim(session, machine_name) and await self._may_submit(session)

    async def _submit(
        self, session: RunSession, machine: MachineDriver, prepared: Prepared
    ) -> bool:
        """Offer the prompt until the machine has it; return whether it does, else lose the attempt.

        Raises:
            MachineUnreachable: it was not even sent, so that nothing is lost by waiting.

        """
        attempt, prompt_id = session.existing.attempt, _prompt_id(session)
        token = self.callback_token(session.existing.id, attempt)
        unanswered: OutcomeUnknown | None = None
        for _ in range(SUBMISSIONS):
            try:
                with timed("run.submit", session):
                    await machine.submit(
                        prompt_id,
                        prepared.graph,
                        ui_graph=prepared.ui_graph,
                        callback_token=token,
                    )
            except OutcomeUnknown as error:
                unanswered = error
                if not await self._took_it(machine, prompt_id):
                    continue
            return True
        await self.runs.lose(session, attempt, f"the machine took nothing: {unanswered}")
        return False

    async def _took_it(self, machine: MachineDriver, prompt_id: UUID) -> bool:
        """Return whether a submission without an answer arrived; a slow machine queues it late."""
        if await _knows(machine, prompt_id):
            return True
        await self.pause(random.uniform(2, 6))  # noqa: S311 -- the seed's pause, with jitter
        return await _knows(machine, prompt_id)


async def _check_first(machine: MachineDriver, run: Run, material: Material) -> None:
    """Find out before the claim that the machine is away, or cannot render this."""
    if run.claimed and run.prompt_id is not None:
        # It may have the prompt already, whatever it can do by now.
        await machine.look_up(run.prompt_id)
    else:
        await check(run.id, material, machine)


async def _knows(machine: MachineDriver, prompt_id: UUID) -> bool:
    return not isinstance(await machine.look_up(prompt_id), Lost)


def _prompt_id(session: RunSession) -> UUID:
    prompt_id = session.existing.prompt_id
    assert prompt_id is not None  # it was claimed
    return prompt_id


def _trace_wait(session: RunSession, before: Run, until: datetime) -> None:
    """Add to the trace how long an attempt waited for its turn; one taken over is in it already."""
    if not before.claimed:
        start = before.retry_due or before.created_at
        timed_before("run.wait", session, start=start, end=until)
