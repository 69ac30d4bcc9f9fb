"""What workers work with: put together once at start, passed as one argument."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from consumers.machines import Machines
from consumers.places import Places
from events.envelope import Meta
from events.identity import derived
from events.run import Run
from events.run_commands import RunCommand
from events.run_events import RunEvent
from infra.event_store import EventStore, Session
from infra.given_up_keys import GivenUpKeys
from infra.graphs import Graphs
from infra.object_storage import ObjectStorage
from infra.postgres import Pool
from infra.private_data import PrivateData
from infra.run_progress import ProgressSender
from infra.settings import Settings

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
    )


async def say(session: RunSession, command: RunCommand, tools: Tools) -> None:
    """Send a command about the run in *session*; see Session.execute."""
    await session.execute(command, meta(tools, session))
