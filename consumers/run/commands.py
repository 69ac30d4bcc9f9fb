"""Commands about runs, sent in the name of this worker: their errors, and their part of the trace.

Errors are cut to what the log can keep: a machine may answer with anything.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.envelope import Meta
from events.ids import derived
from events.run.commands import FailRun, LoseAttempt, RunCommand
from events.run.events import RunError, RunEvent
from events.run.state import Run
from events.subjects import identifier_of
from infra.event_store import Session
from infra.telemetry.tracing.spans import (
    Attribute,
    Span,
    enabled,
    of_run,
    run_part,
    run_span,
)

LONGEST_MESSAGE = 4_000
"""Characters kept of a message; a node may raise with a whole tensor in it."""

LONGEST_NAME = 200
"""Characters kept of the name of a node, a class or an input."""

RunSession = Session[Run, RunCommand, RunEvent]


class RunCommands(Struct, frozen=True, kw_only=True):
    """Sends commands about runs, with this worker as their author."""

    worker: str
    """Name of this process, as the log shows it."""

    now: Callable[[], datetime]
    new_id: Callable[[], UUID]

    def meta(self, session: RunSession, *cause: object) -> Meta:
        """Return the circumstances of a command about the run in *session*.

        With a *cause* the command's id is derived from it, so that a repeat records nothing new.
        """
        return Meta(
            tenant=session.tenant,
            actor=self.worker,
            command_id=derived(session.name, *cause) if cause else self.new_id(),
            causation_id=session.last_event_id,
            correlation_id=session.correlation_id,
            traceparent=of_run(identifier_of(session.name), session.traceparent),
        )

    async def send(self, session: RunSession, command: RunCommand) -> None:
        """Send a command about the run in *session*; see Session.execute."""
        await session.execute(command, self.meta(session))

    async def fail(self, session: RunSession, error: RunError) -> None:
        """End the run in *session* as failed, whatever became of its attempt."""
        await self.send(session, FailRun(error=error, now=self.now()))

    async def lose(self, session: RunSession, attempt: int, reason: str) -> None:
        """Record that the machine lost an *attempt*; unless it was the last, another follows."""
        await self.send(session, LoseAttempt(attempt=attempt, reason=_cut(reason), now=self.now()))


def run_error(
    code: str,
    message: str,
    *,
    node_id: str = "",
    node_class: str = "",
    input_name: str = "",
    exception: str = "",
) -> RunError:
    """Return the error of a run, each part cut to size."""
    return RunError(
        code=code,
        message=_cut(message),
        node_id=node_id[:LONGEST_NAME],
        node_class=node_class[:LONGEST_NAME],
        input_name=input_name[:LONGEST_NAME],
        exception=exception[:LONGEST_NAME],
    )


def _cut(text: str) -> str:
    """Return the beginning of a long *text*, and how long it was."""
    if len(text) <= LONGEST_MESSAGE:
        return text
    return f"{text[:LONGEST_MESSAGE]}… ({len(text)} characters)"


def timed(name: str, session: RunSession, **attributes: Attribute) -> AbstractContextManager[Span]:
    """Time a part of the run in *session*, as a span of the run's trace."""
    about = attributes if not enabled() else {**_about(session), **attributes}
    return run_span(name, identifier_of(session.name), session.traceparent, **about)


def timed_before(
    name: str, session: RunSession, *, start: datetime, end: datetime, **attributes: Attribute
) -> None:
    """Add a part of the run in *session* that is over to its trace."""
    if enabled():
        about = {**_about(session), **attributes}
        run_id = identifier_of(session.name)
        run_part(name, run_id, session.traceparent, start=start, end=end, **about)


def _about(session: RunSession) -> dict[str, Attribute]:
    run = session.existing
    return {"comfyd__machine__id": str(run.machine_id), "comfyd__run__attempt": run.attempt}
