"""The pages over a log in memory: what a browser gets of them, without servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from typing_extensions import override

from app.auth.caller import Caller
from app.auth.guard import provide_caller
from app.auth.session.provider import ProviderSignIn
from app.bootstrap.services import dependencies
from app.limits.rate_counter import OwnCounter
from app.limits.rate_limit import RateLimit
from app.limits.rate_limit_guard import RateLimits
from app.pages.routes import page_routes
from app.pages.shell.errors import error_page
from app.reads.sessions import SessionReads
from events.aggregates import SESSION
from infra.settings.settings import settings_from
from projections.queries import Page
from projections.tables import Row
from tests.builders.settings import REQUIRED
from tests.fakes.callers import World
from tests.observe.form_browser import ACCEPT, Browser

URL = "http://127.0.0.1:3000"


class LoggedSessions(SessionReads):
    """Lists sessions as the read models would, from the log itself."""

    def __init__(self, world: World) -> None:
        self._world = world

    @override
    async def page(self, caller: Caller, *, limit: int, before: int | None, own: bool) -> Page:
        """Return the sessions of a person or of a key."""
        assert own
        assert before is None
        rows = [self._row(name) for name in {e.aggregate for e in self._world.log.log}]
        found = [row for row in rows if row and self._is_of(row, caller)]
        return Page(rows=found[:limit], has_more=False)

    def _row(self, name: str) -> Row | None:
        events = [e for e in self._world.log.log if e.aggregate == name]
        if not name.startswith("session-"):
            return None
        return Row(
            id=UUID(name.partition("-")[2]),
            tenant=events[0].meta.tenant,
            created_position=events[0].position,
            position=events[-1].position,
            version=len(events),
            state=SESSION.fold([e.event for e in events]),
        )

    def _is_of(self, row: Row, caller: Caller) -> bool:
        started = row.state.started
        whose = (row.tenant, started.user_id, started.key_id)
        return whose == (caller.tenant, caller.user_id, caller.key_id)


def pages_of(world: World, provider: ProviderSignIn | None = None) -> Litestar:
    """Build the pages over the log of *world*."""
    nothing = OwnCounter()
    state = {
        "page_access": world.pages,
        "session_commands": world.sessions,
        "session_reads": LoggedSessions(world),
        "credentials": world.credentials,
        "provider_sign_in": provider,
        "run_reads": SimpleNamespace(spaces=settings_from(REQUIRED).spaces),
        "rate_limits": RateLimits(
            address=RateLimit("address", 0, nothing),
            credential=RateLimit("default", 0, nothing),
            checked=lambda *_: None,
        ),
    }
    return Litestar(
        route_handlers=page_routes(),
        dependencies={
            **dependencies(),
            "caller": Provide(provide_caller, sync_to_thread=False),
        },
        exception_handlers={Exception: error_page},
        state=State(state),
        logging_config=None,
        openapi_config=None,
    )


@asynccontextmanager
async def browser_of(app: Litestar, url: str = URL) -> AsyncIterator[Browser]:
    """Open a browser that was never here; *url* is where it finds the pages."""
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url=url, headers=ACCEPT) as http:
        yield Browser(http)


async def is_in(somebody: Browser) -> bool:
    """Return whether a browser has a session that counts."""
    answer = await somebody.open("/sessions")
    assert answer.status_code in {200, 303}, answer.text
    return answer.status_code == 200
