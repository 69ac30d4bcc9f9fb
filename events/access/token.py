"""One revoked token. A token that was never revoked has no events: it speaks for itself."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct


class TokenRevoked(Struct, frozen=True, kw_only=True):
    """The token opens nothing any more, whatever its signature says."""

    token_id: UUID
    """Derived from whose it is and from its jti, or else from the hash of what was signed."""

    jti: str | None
    by: str
    at: datetime


class Token(Struct, frozen=True, kw_only=True):
    """The state of a token that was revoked."""

    id: UUID
    revoked_at: datetime


class RevokeToken(Struct, frozen=True, kw_only=True):
    """Revoke a token; a second time changes nothing."""

    token_id: UUID
    jti: str | None
    by: str
    now: datetime


def evolve(token: Token | None, event: TokenRevoked) -> Token:
    """Fold one fact into the state."""
    return token or Token(id=event.token_id, revoked_at=event.at)


def decide(token: Token | None, command: RevokeToken) -> Sequence[TokenRevoked]:
    """Decide the events that follow."""
    if token is not None:
        return []
    return [TokenRevoked(token_id=command.token_id, jti=command.jti, by=command.by, at=command.now)]
