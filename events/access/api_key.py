"""One API key: issued once, fetched and revoked at most once.

The log never holds the key, only its hash.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from events.errors import AlreadyExists, NotFound


class KeyIssued(Struct, frozen=True, kw_only=True):
    """A key was made, and shown once to its caller."""

    key_id: UUID
    name: str
    sha256: str
    """Of the whole key, in hex."""

    prefix: str
    """How the key begins, so that people tell theirs apart."""

    scopes: tuple[str, ...]
    deployments: tuple[UUID, ...]
    """The only ones it is for; none for all."""

    expires_at: datetime | None
    user_id: str | None
    org_id: str | None
    by: str
    at: datetime


class KeyRevoked(Struct, frozen=True, kw_only=True):
    """The key opens nothing any more."""

    by: str
    at: datetime


class KeyFetched(Struct, frozen=True, kw_only=True):
    """The page that asked for the key was answered with it; no other answer holds it."""

    at: datetime


KeyEvent = KeyIssued | KeyRevoked | KeyFetched


class ApiKey(Struct, frozen=True, kw_only=True):
    """The state of a key."""

    id: UUID
    issued: KeyIssued
    revoked_at: datetime | None = None
    fetched_at: datetime | None = None
    """Of a key that a page asked for; others are shown to those who issue them."""

    def expired(self, now: datetime) -> bool:
        """Return whether the key has expired."""
        return self.issued.expires_at is not None and self.issued.expires_at <= now


class IssueKey(Struct, frozen=True, kw_only=True):
    """Issue a key."""

    issued: KeyIssued


class RevokeKey(Struct, frozen=True, kw_only=True):
    """Revoke a key; a second time changes nothing."""

    by: str
    now: datetime


class FetchKey(Struct, frozen=True, kw_only=True):
    """Hand a key out to the page that asked for it, once."""

    now: datetime


KeyCommand = IssueKey | RevokeKey | FetchKey


def evolve(key: ApiKey | None, event: KeyEvent) -> ApiKey:
    """Fold one fact into the state."""
    if isinstance(event, KeyIssued):
        return ApiKey(id=event.key_id, issued=event)
    assert key is not None  # it was issued before
    if isinstance(event, KeyFetched):
        return replace(key, fetched_at=event.at)
    return replace(key, revoked_at=event.at)


def decide(key: ApiKey | None, command: KeyCommand) -> Sequence[KeyEvent]:
    """Decide the events that follow.

    Raises:
        AlreadyExists: another key has this id, or it was fetched before.
        NotFound: there is no such key.

    """
    if isinstance(command, IssueKey):
        if key is not None and key.issued != command.issued:
            raise AlreadyExists("another key has this id")
        return [] if key else [command.issued]
    if key is None:
        raise NotFound("there is no key with this id")
    if isinstance(command, FetchKey):
        if key.fetched_at is not None:
            raise AlreadyExists("this key was fetched before")
        return [KeyFetched(at=command.now)]
    return [] if key.revoked_at else [KeyRevoked(by=command.by, at=command.now)]
