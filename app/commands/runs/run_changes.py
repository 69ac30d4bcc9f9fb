"""Cancel runs and batches, and erase what is private in a run."""

from datetime import timedelta
from uuid import UUID

from app.auth.caller import Caller
from app.commands.recorder import Recorder
from app.commands.runs.create_batch import carry_out_or_leave
from app.reads.runs.batch_status import BatchStatus
from app.reads.runs.batches import BatchReads
from app.reads.runs.runs import FoundRun, RunReads, RunSession
from events.batch import CancelBatch
from events.run.commands import EraseInputs, EraseRun, RequestCancel, RunCommand


class RunChanges:
    """Use-cases that change runs and batches that were accepted."""

    def __init__(self, recorder: Recorder, runs: RunReads, batches: BatchReads) -> None:
        self._recorder = recorder
        self._runs = runs
        self._batches = batches

    async def cancel_run(self, caller: Caller, run_id: UUID) -> FoundRun:
        """Ask to stop a run. One that has ended stays as it is; asking again changes nothing.

        Raises:
            NotFound: there is no such run that the caller may know of.
            LogUnavailable: it is not recorded.

        """
        session = await self._runs.session(caller, run_id)
        command = RequestCancel(by=caller.actor, now=self._recorder.now())
        await self._execute(caller, session, command)
        run = await self._runs.with_texts(session.existing)
        return FoundRun(run=run, position=session.position)

    async def erase_run(self, caller: Caller, run_id: UUID) -> FoundRun:
        """Erase inputs, texts, files and messages of a run that has ended; again changes nothing.

        Raises:
            NotFound: there is no such run that the caller may know of.
            RunNotEnded: it is still open.
            LogUnavailable: it is not recorded.

        """
        session = await self._runs.session(caller, run_id)
        command = EraseRun(reason="request", by=caller.actor, now=self._recorder.now())
        await self._execute(caller, session, command)
        return FoundRun(run=session.existing, position=session.position)

    async def erase_inputs(self, caller: Caller, run_id: UUID, *, after: timedelta) -> FoundRun:
        """Erase what went into a run that has ended; it is deleted *after* so long.

        What the run made stays. Again changes nothing.

        Raises:
            NotFound: there is no such run that the caller may know of.
            RunNotEnded: it is still open.
            LogUnavailable: it is not recorded.

        """
        session = await self._runs.session(caller, run_id)
        now = self._recorder.now()
        command = EraseInputs(due=now + after, by=caller.actor, now=now)
        await self._execute(caller, session, command)
        return FoundRun(run=session.existing, position=session.position)

    async def cancel_batch(self, caller: Caller, batch_id: UUID) -> BatchStatus:
        """Ask to stop all runs of a batch. Those that have ended stay as they are.

        Raises:
            NotFound: there is no such batch that the caller may know of.
            LogUnavailable: it is not recorded, or its outcome is unknown.

        """
        status = await self._batches.find_in_log(caller, batch_id)
        if status.done:
            return status
        session = await self._batches.session(caller, batch_id)
        command = CancelBatch(by=caller.actor, now=self._recorder.now())
        await self._recorder.execute(caller, session, command)
        await carry_out_or_leave(self._recorder, batch_id)
        return await self._batches.find_in_log(caller, batch_id)

    async def _execute(self, caller: Caller, session: RunSession, command: RunCommand) -> None:
        await self._recorder.execute(caller, session, command)
        self._runs.recent.note(session.existing.id, session.position)
