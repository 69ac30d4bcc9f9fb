"""/v1/sessions: who is signed in with a browser, and an end to it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from msgspec import Meta, Struct

from app.api.requests import identifier
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.auth.caller import Caller
from app.auth.scopes import ADMIN, needs
from app.commands.sessions import Sessions
from app.reads.sessions import SessionReads
from events.access.session import BrowserSession, SignInMethod


class SessionView(Struct, frozen=True, kw_only=True):
    """A session of a browser, without its secret."""

    id: UUID
    method: Annotated[
        SignInMethod,
        Meta(description="How it began: a one-time link, an API key, or the identity provider."),
    ]

    user_id: str | None
    org_id: str | None
    key_id: Annotated[
        UUID | None, Meta(description="The API key that it began with, and ends with.")
    ]

    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@get("/v1/sessions", operation_id="listSessions", opt=needs(ADMIN))
async def sessions(
    session_reads: NamedDependency[SessionReads],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[SessionView]:
    """List the sessions of browsers that have not expired, newest first."""
    page = await session_reads.page(caller, limit=limit, before=before_of(cursor), own=False)
    return list_view(page, lambda row: session_view(row.state))


@delete(
    "/v1/sessions/{session_id:str}",
    operation_id="revokeSession",
    status_code=204,
    opt=needs(ADMIN),
)
async def revoke_session(
    session_commands: NamedDependency[Sessions],
    caller: NamedDependency[Caller],
    session_id: FromPath[str],
) -> None:
    """Revoke a session: within a second it opens no page. Asking again changes nothing."""
    await session_commands.revoke(caller, identifier(session_id))


def session_view(session: BrowserSession) -> SessionView:
    """Show a session."""
    started = session.started
    return SessionView(
        id=session.id,
        method=started.method,
        user_id=started.user_id,
        org_id=started.org_id,
        key_id=started.key_id,
        created_at=started.at,
        expires_at=started.expires_at,
        revoked_at=session.revoked_at,
    )


ROUTES = [sessions, revoke_session]
