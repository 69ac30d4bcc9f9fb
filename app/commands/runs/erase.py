"""Erase what is private in a run."""

from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.reads.runs.runs import FoundRun, RunReads
from events.run.commands import EraseRun


async def erase_run(recorder: Recorder, runs: RunReads, caller: Caller, run_id: UUID) -> FoundRun:
    """Erase inputs, texts, files and messages of a run that has ended; again changes nothing.

    Raises:
        NotFound: there is no such run that the caller may know of.
        RunNotEnded: it is still open.
        LogUnavailable: it is not recorded.

    """
    session = await runs.session(caller, run_id)
    command = EraseRun(reason="request", by=caller.actor, now=recorder.now())
    await recorder.execute(caller, session, command)
    runs.recent.note(run_id, session.position)
    return FoundRun(run=session.existing, position=session.position)
