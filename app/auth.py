"""Who is calling: a JWT signed with JWT_SECRET, as the classic dialect's API keys are.

The algorithm is pinned to HS256. A verified token is remembered until it expires: checking the
signature again would cost more than the rest of a status poll.
"""

import time
from collections import OrderedDict
from typing import Any

import jwt
from msgspec import Struct

ALGORITHM = "HS256"
REMEMBERED = 10_000
LONGEST_CLAIM = 200


class Unauthorized(Exception):
    """There is no valid token with this request."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who is calling, and for whom."""

    user_id: str | None
    org_id: str | None

    @property
    def tenant(self) -> str:
        """What the caller's things belong to: the organisation, or else the person."""
        return f"org:{self.org_id}" if self.org_id else f"user:{self.user_id}"

    @property
    def actor(self) -> str:
        """Who to name in the log."""
        return f"user:{self.user_id or '-'}"


class Tokens:
    """Verifies and issues tokens."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._verified: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    def caller(self, authorization: str) -> Caller:
        """Give the caller named by an Authorization header.

        Raises:
            Unauthorized: it holds no valid token.

        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        token = token.strip()
        caller, expires = self._verified.get(token) or self._verify(token)
        if expires <= time.time():
            self._verified.pop(token, None)
            raise Unauthorized
        return caller

    def issue(self, *, user_id: str, org_id: str | None, seconds: int | None) -> str:
        """Make a token; without *seconds* it does not expire."""
        now = int(time.time())
        claims: dict[str, Any] = {"user_id": user_id, "iat": now}
        claims |= {"org_id": org_id} if org_id else {}
        claims |= {"exp": now + seconds} if seconds else {}
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def _verify(self, token: str) -> tuple[Caller, float]:
        try:
            claims = jwt.decode(
                token, self._secret, algorithms=[ALGORITHM], options={"require": ["iat"]}
            )
        except jwt.PyJWTError as error:
            raise Unauthorized from error
        caller = Caller(user_id=_name(claims, "user_id"), org_id=_name(claims, "org_id"))
        if not (caller.user_id or caller.org_id):
            raise Unauthorized
        verified = (caller, float(claims.get("exp", "inf")))
        self._verified[token] = verified
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return verified


def _name(claims: dict[str, Any], claim: str) -> str | None:
    value = claims.get(claim)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST_CLAIM or not value.isprintable():
        raise Unauthorized
    return value
