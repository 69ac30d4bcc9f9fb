"""What workers work with: put together once at start, passed as one argument."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from consumers.machines import Machines
from consumers.places import Places
from events.envelope import Meta
from events.ids import derived
from events.run.commands import RunCommand
from events.run.events import RunEvent
from events.run.state import Run
from events.subjects import identifier_of
from infra.event_store import EventStore, Session
from infra.jetstream.private_data import PrivateData
from infra.jetstream.run_progress import ProgressSender
from infra.jetstream.tombstones import GivenUpKeys
from infra.postgres import Pool
from infra.s3.graphs import Graphs
from infra.s3.port import ObjectStorage
from infra.settings.settings import Settings
from infra.telemetry.tracing.spans import (
    Attribute,
    Span,
    enabled,
    of_run,
    run_part,
    run_span,
)

RunSession = Session[Run, RunCommand, RunEvent]


class Tools(Struct, frozen=True, kw_only=True):
    """Everything a handler may reach for."""

    store: EventStore
    private: PrivateData
    given_up: GivenUpKeys
    storage: ObjectStorage
    graphs: Graphs
    machines: Machines
    upload_places: Places
    """Who may store outputs now."""

    look_places: Places
    """Who may look at a machine now."""

    pool: Pool
    """The read models; nothing but erasing needs them, and it waits while they are away."""

    settings: Settings
    worker: str
    """Name of this process, for those who read the log."""

    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    pause: Callable[[float], Awaitable[None]]
    """Wait so many seconds."""

    log_end: Callable[[], Awaitable[int]]
    """Give the position of the log's last event."""

    progress_of: Callable[[UUID], ProgressSender]
    heard: Callable[[str, str], AbstractAsyncContextManager[asyncio.Event]]
    """Give an event that is set when the aggregate gets an event of that type; may be missed."""


def meta(tools: Tools, session: RunSession, *cause: object) -> Meta:
    """Give the circumstances of a command about the run in *session*.

    With a *cause* the command's id is derived from it, so that saying it twice records it once.
    """
    return Meta(
        tenant=session.tenant,
        actor=tools.worker,
        command_id=derived(session.name, *cause) if cause else tools.new_id(),
        causation_id=session.last_event_id,
        correlation_id=session.correlation_id,
        traceparent=of_run(identifier_of(session.name), session.traceparent),
    )


async def say(session: RunSession, command: RunCommand, tools: Tools) -> None:
    """Send a command about the run in *session*; see Session.execute."""
    await session.execute(command, meta(tools, session))


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
