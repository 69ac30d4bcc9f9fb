"""Records how an attempt ended on its machine; what is private in it goes beside the log first."""

from msgspec.structs import replace

from consumers.errors import run_error
from consumers.tools import RunSession, Tools, meta, say
from events.run.commands import FailRun, LoseAttempt, RecordOutputs, SettleRun
from events.run.decide import outputs_fit
from events.run.events import RunError
from events.run.output import Output
from infra.event_store import TooLarge
from infra.machine_driver import Failed, Finished, Interrupted, Lost, Outcome


async def record(session: RunSession, attempt: int, outcome: Outcome, tools: Tools) -> None:
    """Record how an attempt ended on its machine.

    Raises:
        LogUnavailable: it is not recorded; record it again.

    """
    match outcome:
        case Finished():
            await _record_outputs(session, attempt, outcome, tools)
        case Failed():
            error = run_error(
                "node_failed",
                outcome.message,
                node_id=outcome.node_id,
                node_class=outcome.node_class,
                exception=outcome.exception,
            )
            await _record_failure(session, attempt, outcome, error, tools)
        case Interrupted():
            error = run_error("interrupted", "someone stopped the prompt on the machine")
            await _record_failure(session, attempt, outcome, error, tools)
        case Lost():
            lost = LoseAttempt(
                attempt=attempt, reason="the machine knows nothing of it any more", now=tools.now()
            )
            await say(session, lost, tools)


async def _record_failure(
    session: RunSession,
    attempt: int,
    outcome: Failed | Interrupted,
    error: RunError,
    tools: Tools,
) -> None:
    nodes = outcome.nodes if isinstance(outcome, Failed) else ()
    failed = FailRun(
        error=error,
        now=tools.now(),
        attempt=attempt,
        nodes=nodes,
        render_seconds=outcome.seconds,
    )
    await say(session, failed, tools)


async def _record_outputs(
    session: RunSession, attempt: int, finished: Finished, tools: Tools
) -> None:
    run_id = session.existing.id
    texts = {o.index: o.text for o in finished.outputs if o.text is not None}
    try:
        if texts and outputs_fit(finished.outputs):
            # First the texts: a run that tells of them without having them could not be mended.
            await tools.private.put_texts(run_id, attempt, texts)
        await _record_produced(session, attempt, finished, tools)
    except TooLarge:
        await say(session, _too_large(attempt, finished, tools), tools)
        return
    settle = SettleRun(now=tools.now())
    await session.execute(settle, meta(tools, session, "settle", attempt))
    if session.existing.erased_at is not None:
        # It was cancelled and erased while we looked: what we have just put came too late.
        await tools.private.erase(run_id)


async def _record_produced(
    session: RunSession, attempt: int, finished: Finished, tools: Tools
) -> None:
    produced = RecordOutputs(
        attempt=attempt,
        outputs=tuple(_without_text(output) for output in finished.outputs),
        now=tools.now(),
        nodes=finished.nodes,
        render_seconds=finished.seconds,
    )
    await session.execute(produced, meta(tools, session, "outputs", attempt))


def _too_large(attempt: int, finished: Finished, tools: Tools) -> FailRun:
    """Fail for few characters that need many bytes: JSON writes control characters as six each."""
    message = "the texts, or the names of the files, are larger than 1 MB together"
    error = run_error("too_many_outputs", message)
    return FailRun(error=error, now=tools.now(), attempt=attempt, render_seconds=finished.seconds)


def _without_text(output: Output) -> Output:
    return output if output.text is None else replace(output, text=None, length=len(output.text))
