"""Commands about runs, sent in the name of this worker, and their part of a run's trace."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.envelope import Meta
from events.ids import derived
from events.run.commands import RunCommand
from events.run.events import RunEvent
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

RunSession = Session[Run, RunCommand, RunEvent]


class RunCommands(Struct, frozen=True, kw_only=True):
    """Sends commands about runs, with this worker as their author."""

    worker: str
    """Name of this process, for those who read the log."""

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
