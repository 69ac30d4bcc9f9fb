"""Ask to stop runs."""

from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.commands.runs.create_batch import carry_out_or_leave
from app.reads.runs.batch_status import BatchStatus
from app.reads.runs.batches import BatchReads
from app.reads.runs.runs import FoundRun, RunReads
from events.batch import CancelBatch
from events.run.commands import RequestCancel


async def cancel_run(recorder: Recorder, runs: RunReads, caller: Caller, run_id: UUID) -> FoundRun:
    """Ask to stop a run. One that has ended stays as it is; asking again changes nothing.

    Raises:
        NotFound: there is no such run that the caller may know of.
        LogUnavailable: it is not recorded.

    """
    session = await runs.session(caller, run_id)
    command = RequestCancel(by=caller.actor, now=recorder.now())
    await recorder.execute(caller, session, command)
    runs.recent.note(run_id, session.position)
    run = await runs.with_texts(session.existing)
    return FoundRun(run=run, position=session.position)


async def cancel_batch(
    recorder: Recorder, batches: BatchReads, caller: Caller, batch_id: UUID
) -> BatchStatus:
    """Ask to stop all runs of a batch. Those that have ended stay as they are.

    Raises:
        NotFound: there is no such batch that the caller may know of.
        LogUnavailable: it is not recorded, or its outcome is unknown.

    """
    status = await batches.find_in_log(caller, batch_id)
    if status.done:
        return status
    session = await batches.session(caller, batch_id)
    command = CancelBatch(by=caller.actor, now=recorder.now())
    await recorder.execute(caller, session, command)
    await carry_out_or_leave(recorder, batch_id)
    return await batches.find_in_log(caller, batch_id)
