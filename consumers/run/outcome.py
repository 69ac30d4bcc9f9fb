"""Records how an attempt ended on its machine; what is private in it goes beside the log first."""

from msgspec import Struct
from msgspec.structs import replace

from consumers.run.commands import RunCommands, RunSession, run_error
from events.run.commands import FailRun, RecordOutputs, SettleRun
from events.run.decide import outputs_fit
from events.run.events import RunError
from events.run.output import Output
from infra.event_store import TooLarge
from infra.jetstream.private_data import PrivateData
from infra.machine_driver import Failed, Finished, Interrupted, Lost, Outcome


class OutcomeRecorder(Struct, frozen=True, kw_only=True):
    """Records how attempts ended on their machines."""

    private: PrivateData
    runs: RunCommands

    async def record(self, session: RunSession, attempt: int, outcome: Outcome) -> None:
        """Record how an attempt ended on its machine.

        Raises:
            LogUnavailable: it is not recorded; record it again.

        """
        match outcome:
            case Finished():
                await self._record_outputs(session, attempt, outcome)
            case Failed():
                error = run_error(
                    "node_failed",
                    outcome.message,
                    node_id=outcome.node_id,
                    node_class=outcome.node_class,
                    exception=outcome.exception,
                )
                await self._record_failure(session, attempt, outcome, error)
            case Interrupted():
                error = run_error("interrupted", "someone stopped the prompt on the machine")
                await self._record_failure(session, attempt, outcome, error)
            case Lost():
                reason = "the machine knows nothing of it any more"
                await self.runs.lose(session, attempt, reason)

    async def erase_late_texts(self, session: RunSession) -> None:
        """Erase texts that were put too late: the run was cancelled and erased meanwhile."""
        if session.existing.erased_at is not None:
            await self.private.erase(session.existing.id)

    async def _record_failure(
        self, session: RunSession, attempt: int, outcome: Failed | Interrupted, error: RunError
    ) -> None:
        nodes = outcome.nodes if isinstance(outcome, Failed) else ()
        failed = FailRun(
            error=error,
            now=self.runs.now(),
            attempt=attempt,
            nodes=nodes,
            render_seconds=outcome.seconds,
        )
        await self.runs.send(session, failed)

    async def _record_outputs(self, session: RunSession, attempt: int, finished: Finished) -> None:
        texts = {o.index: o.text for o in finished.outputs if o.text is not None}
        try:
            if texts and outputs_fit(finished.outputs):
                # First the texts: a run that names texts it does not have could not be mended.
                await self.private.put_texts(session.existing.id, attempt, texts)
            await self._record_produced(session, attempt, finished)
        except TooLarge:
            await self.runs.send(session, self._too_large(attempt, finished))
            return
        settle = SettleRun(now=self.runs.now())
        await session.execute(settle, self.runs.meta(session, "settle", attempt))
        await self.erase_late_texts(session)

    async def _record_produced(self, session: RunSession, attempt: int, finished: Finished) -> None:
        produced = RecordOutputs(
            attempt=attempt,
            outputs=tuple(_without_text(output) for output in finished.outputs),
            now=self.runs.now(),
            nodes=finished.nodes,
            render_seconds=finished.seconds,
        )
        await session.execute(produced, self.runs.meta(session, "outputs", attempt))

    def _too_large(self, attempt: int, finished: Finished) -> FailRun:
        """Fail for few characters that need many bytes: a control character takes six in JSON."""
        message = "the texts, or the names of the files, are larger than 1 MB together"
        error = run_error("too_many_outputs", message)
        return FailRun(
            error=error, now=self.runs.now(), attempt=attempt, render_seconds=finished.seconds
        )


def _without_text(output: Output) -> Output:
    return output if output.text is None else replace(output, text=None, length=len(output.text))
