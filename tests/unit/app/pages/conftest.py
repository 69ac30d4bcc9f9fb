"""Ada, who is signed in, and her runs, in a log in memory."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from typing_extensions import override

from app.auth.session.links import VALID, SignInLink
from app.commands.recorder import Recorder
from app.commands.runs.rerun import Reruns
from app.commands.runs.run_changes import RunChanges
from app.reads.machines import MachineReads
from app.reads.runs.recent_writes import RecentWrites
from app.reads.runs.runs import RunReads
from events.run.state import Run
from infra import clock
from infra.settings.settings import settings_from
from projections.queries import Page
from tests.builders.settings import REQUIRED
from tests.fakes.callers import World
from tests.fakes.pages import URL, browser_of, pages_of
from tests.observe.form_browser import Browser


class _Nowhere:
    """Postgres knows nothing, and no run has texts."""

    async def get(self, _identifier: UUID) -> None:
        """Find nothing."""

    async def put_into(self, run: Run) -> Run:
        """Add nothing."""
        return run


class _NoMachines(MachineReads):
    """Of machines nothing is known."""

    def __init__(self) -> None:
        """Read nothing."""

    @override
    async def page(self, *_: object, **__: object) -> Page:
        """Return no machine."""
        return Page(rows=[], has_more=False)


@pytest.fixture
def world() -> World:
    """Return a world that is as old as this test."""
    world = World()
    world.now = clock.now()
    return world


@pytest.fixture
async def fresh(world: World) -> AsyncIterator[Browser]:
    """Yield a browser that was never here."""
    async with browser_of(pages_of(world)) as somebody:
        yield somebody


@pytest.fixture
async def ada(world: World) -> AsyncIterator[Browser]:
    """Yield a browser in which Ada is signed in."""
    nothing: Any = _Nowhere()
    app = pages_of(world)
    reads = RunReads(
        world.log, nothing, nothing, nothing, RecentWrites(), settings_from(REQUIRED).spaces
    )
    recorder = Recorder(store=world.log, now=lambda: world.now, new_id=uuid4)
    app.state["run_reads"] = reads
    app.state["machine_reads"] = _NoMachines()
    app.state["run_changes"] = RunChanges(recorder, reads, nothing)
    app.state["reruns"] = Reruns(reads, nothing, nothing, nothing, nothing)
    link = SignInLink(link_id=uuid4(), user_id="ada", org_id=None, expires_at=world.now + VALID)
    async with browser_of(app) as browser:
        await browser.sign_in(world.links.address(URL, link))
        yield browser
