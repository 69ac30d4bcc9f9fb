"""Sign out, and end one's own sessions in other browsers."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.auth.caller import Caller
from app.auth.scopes import SCOPES, needs
from app.auth.session.access import PageAccess
from app.auth.session.cookies import cookies_of
from app.commands.sessions import Sessions
from app.pages.shell.shell import Shell
from app.reads.sessions import SessionReads
from events.errors import NotFound

MOST = 100
"""Sessions that are shown: the newest."""


@post("/sign-out", opt=needs(*SCOPES, per_deployment=True))
async def sign_out(
    request: Request[Any, Any, Any],
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    session_commands: NamedDependency[Sessions],
) -> Response[Any]:
    """End the session of this browser."""
    assert page_caller.session is not None  # the guard has found the caller by it
    await session_commands.revoke(page_caller, page_caller.session)
    access: PageAccess = request.app.state.page_access
    cookies = cookies_of(request, access.public_url)
    return Response(
        None,
        status_code=303,
        headers={"Location": shell.address.to("sign-in")},
        cookies=[cookies.gone(cookies.session)],
    )


@get("/sessions", opt=needs(*SCOPES, per_deployment=True))
async def show_sessions(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    session_reads: NamedDependency[SessionReads],
) -> Response[Any]:
    """List the browsers in which the person is signed in."""
    page = await session_reads.page(page_caller, limit=MOST, before=None, own=True)
    sessions = [row.state for row in page.rows if row.state.revoked_at is None]
    return shell.page(
        "sign_in/sessions.html", current="sessions", sessions=sessions, caller=page_caller
    )


@post("/sessions/{session_id:str}/revoke", opt=needs(*SCOPES, per_deployment=True))
async def end_session(
    shell: NamedDependency[Shell],
    page_caller: NamedDependency[Caller],
    session_commands: NamedDependency[Sessions],
    session_id: FromPath[str],
) -> Response[Any]:
    """End a session of the person's own."""
    await session_commands.revoke(page_caller, _identifier(session_id))
    return Response(None, status_code=303, headers={"Location": shell.address.to("sessions")})


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is no session with this id") from None


ROUTES = [sign_out, show_sessions, end_session]
