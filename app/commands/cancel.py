"""Ask to stop runs."""

from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.reads.runs import FoundRun, RunReads
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
