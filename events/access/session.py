"""One session of a browser: started by one sign-in, revoked at most once, and over at its end.

The log never holds its secret, only the hash. A one-time link names the session that it starts, so
the first append is what uses the link up: a second one finds the session there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from events.errors import AlreadyExists, NotFound


class SignInMethod(StrEnum):
    """How a person signed in."""

    LINK = "link"
    KEY = "key"
    PROVIDER = "provider"


LIFETIMES = {
    SignInMethod.LINK: timedelta(days=30),
    SignInMethod.KEY: timedelta(days=30),
    # Whoever leaves the provider's organisation is out at the end of a working day.
    SignInMethod.PROVIDER: timedelta(hours=12),
}
"""How long a session lasts, by how it was started. It is not prolonged."""


class SessionStarted(Struct, frozen=True, kw_only=True):
    """A person signed in with a browser."""

    session_id: UUID
    sha256: str
    """Of the whole secret, in hex."""

    method: SignInMethod
    user_id: str | None
    org_id: str | None
    role: str
    """The role in the organisation, where its members are not managed here."""

    key_id: UUID | None
    """The API key of the sign-in: the session may do what the key may, and ends with it."""

    expires_at: datetime
    by: str
    at: datetime


class SessionRevoked(Struct, frozen=True, kw_only=True):
    """The session opens nothing any more: signed out, or ended by another person."""

    by: str
    at: datetime


SessionEvent = SessionStarted | SessionRevoked


class BrowserSession(Struct, frozen=True, kw_only=True):
    """The state of a session."""

    id: UUID
    started: SessionStarted
    revoked_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Return whether the session has reached its end."""
        return self.started.expires_at <= now


class StartSession(Struct, frozen=True, kw_only=True):
    """Start a session."""

    started: SessionStarted


class RevokeSession(Struct, frozen=True, kw_only=True):
    """Revoke a session; a second time changes nothing."""

    by: str
    now: datetime


SessionCommand = StartSession | RevokeSession


def evolve(session: BrowserSession | None, event: SessionEvent) -> BrowserSession:
    """Fold one fact into the state."""
    if isinstance(event, SessionStarted):
        return BrowserSession(id=event.session_id, started=event)
    assert session is not None  # it was started before
    return BrowserSession(id=session.id, started=session.started, revoked_at=event.at)


def decide(session: BrowserSession | None, command: SessionCommand) -> Sequence[SessionEvent]:
    """Decide the events that follow.

    Raises:
        AlreadyExists: the session was started before, by this link or by another request.
        NotFound: there is no such session to revoke.

    """
    if isinstance(command, StartSession):
        if session is not None and session.started != command.started:
            raise AlreadyExists("this session was started before")
        return [] if session else [command.started]
    if session is None:
        raise NotFound("there is no session with this id")
    return [] if session.revoked_at else [SessionRevoked(by=command.by, at=command.now)]
