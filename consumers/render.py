"""Brings a run to its machine, follows it to the end, and records what came of it.

Every step may be the last before the process dies. So a claim is in the log before the machine is
called, and whoever takes over first asks the machine what it knows of the prompt.
"""

import logging
import random
from uuid import UUID

from consumers.delivery import Later
from consumers.follow import follow, record
from consumers.machines import MachineMissing
from consumers.prepare import Prepared, RunCannotStart, prepare
from consumers.tools import RunSession, Tools, meta, say, state_of
from events.decider import RUN
from events.run_commands import ClaimRun, ConfirmCancel, FailRun, LoseAttempt
from events.run_events import RunError
from infra.event_store import load
from infra.machine import (
    Lost,
    Machine,
    MachineUnreachable,
    OutcomeUnknown,
    PromptState,
    WorkflowRejected,
)
from infra.object_storage import StorageRefused, StorageUnavailable

log = logging.getLogger(__name__)

SUBMISSIONS = 3
"""How often a prompt is offered to a machine within one attempt."""

LONGEST_PAUSE = 5.0
"""Seconds between two tries to reach a machine or a storage that does not answer."""


async def render(run_id: UUID, delivery: int, tools: Tools) -> None:
    """Do all that a run needs of a machine.

    Raises:
        Later: the machine or the storage does not answer, or the retry is not due.
        Superseded: another worker has the run.
        LogUnavailable: the log does not answer.

    """
    session = await load(tools.store, RUN, run_id)
    run = session.state
    if run is None or run.ended or run.produced:
        return
    if run.retry_due and run.retry_due > tools.now():
        raise Later((run.retry_due - tools.now()).total_seconds())
    try:
        machine = await tools.machines.get(run.machine_id)
        prepared = await prepare(session, machine, tools)
        if not run.claimed:
            # Of a claimed run the machine may have the prompt already, whatever it can do by now.
            await machine.check(prepared.graph)
        await _attempt(session, machine, prepared, tools)
    except (MachineUnreachable, StorageUnavailable, StorageRefused) as error:
        await _wait_or_fail(session, delivery, error, tools)
    except (WorkflowRejected, RunCannotStart, MachineMissing) as error:
        await say(session, FailRun(error=_refusal(error), now=tools.now()), tools)


async def _attempt(session: RunSession, machine: Machine, prepared: Prepared, tools: Tools) -> None:
    before = state_of(session)
    taken_over = before.claimed
    if before.claimed and before.prompt_id is not None:
        # A machine that does not answer is found out before yet another claim is recorded.
        await machine.look_up(before.prompt_id)
    claim = ClaimRun(machine_id=state_of(session).machine_id, worker=tools.worker, now=tools.now())
    await session.execute(claim, meta(tools, session))
    run = state_of(session)
    if run.ended or not run.claimed or run.prompt_id is None:
        return
    known = await machine.look_up(run.prompt_id) if taken_over else Lost()
    if not isinstance(known, Lost):
        await follow(session, run, machine, prepared, tools)
    elif run.accepted or run.cancel_requested:
        await record(session, run.attempt, known, tools)
    elif await _submit(run.prompt_id, machine, prepared, tools):
        await follow(session, run, machine, prepared, tools)
    else:
        lost = LoseAttempt(attempt=run.attempt, reason="the machine took nothing", now=tools.now())
        await say(session, lost, tools)


async def _submit(prompt_id: UUID, machine: Machine, prepared: Prepared, tools: Tools) -> bool:
    """Offer the prompt until the machine has it; tell whether it has."""
    for tried in range(1, SUBMISSIONS + 1):
        try:
            await machine.submit(prompt_id, prepared.graph, ui_graph=prepared.ui_graph)
        except OutcomeUnknown:
            if not isinstance(await _ask_twice(machine, prompt_id, tools), Lost):
                return True
        except MachineUnreachable as error:
            # Nothing was accepted, so nothing has to be found out first.
            log.info("machine.refused_connection", extra={"error": str(error), "tried": tried})
        else:
            return True
    return False


async def _ask_twice(machine: Machine, prompt_id: UUID, tools: Tools) -> PromptState:
    """Ask what became of a submission whose answer was lost; a slow machine may queue it late."""
    known = await machine.look_up(prompt_id)
    if isinstance(known, Lost):
        await tools.pause(random.uniform(2, 6))  # noqa: S311 -- the seed's pause, with jitter
        known = await machine.look_up(prompt_id)
    return known


async def _wait_or_fail(session: RunSession, delivery: int, error: Exception, tools: Tools) -> None:
    """Wait for what does not answer, but not for ever."""
    run = state_of(session)
    # The pauses grow to the longest within a few deliveries, so this is about the time waited.
    waited = delivery * LONGEST_PAUSE
    if run.cancel_requested:
        await say(session, ConfirmCancel(now=tools.now()), tools)
    elif waited <= tools.settings.machine_wait:
        # A claimed run may be rendering all the while: whoever comes next asks the machine.
        raise Later(min(float(delivery), LONGEST_PAUSE)) from error
    elif run.claimed:
        lost = LoseAttempt(attempt=run.attempt, reason=str(error), now=tools.now())
        await say(session, lost, tools)
    else:
        away = "machine" if isinstance(error, MachineUnreachable) else "storage"
        reason = RunError(code=f"{away}_unreachable", message=str(error))
        await say(session, FailRun(error=reason, now=tools.now()), tools)


def _refusal(error: WorkflowRejected | RunCannotStart | MachineMissing) -> RunError:
    if isinstance(error, RunCannotStart):
        return error.error
    if isinstance(error, MachineMissing):
        return RunError(code="machine_missing", message="the deployment's machine is gone")
    first = error.problems[0]
    return RunError(
        code=first.code,
        message=str(error),
        node_id=first.node_id,
        node_class=first.node_class,
        input_name=first.input_name,
    )
