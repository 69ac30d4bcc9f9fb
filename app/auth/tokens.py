"""JSON Web Tokens signed with JWT_SECRET, as the API keys of the classic dialect are.

They are checked by HMAC alone, with this one secret: a token may choose between three lengths of
its hash, as in comfyui-deploy, and never how it is checked. Ours are HS256.
"""

import hashlib
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt
from msgspec import Struct

from app.auth.caller import Unauthorized, tenant_of
from events import ids
from events.access.organisation import MEMBER, OWNER, VIEWER

ALGORITHM = "HS256"
ALGORITHMS = (ALGORITHM, "HS384", "HS512")
LONGEST_CLAIM = 200
LATEST = 253_402_300_799
"""The last second of the year 9999; a token with a later time is not valid."""

CANNOT_READ = (jwt.PyJWTError, RecursionError)
"""Errors of the library for an invalid token; RecursionError where its JSON is too deep."""

_ROLES = {
    "owner": OWNER,
    "admin": OWNER,
    "member": MEMBER,
    "basic_member": MEMBER,
    "viewer": VIEWER,
}
"""Roles by the names that comfyd and Clerk give them."""


class Claims(Struct, frozen=True, kw_only=True):
    """The claims of a verified token."""

    user_id: str | None
    org_id: str | None
    role: str
    """The role in the organisation, where its members are not managed here."""

    token_id: UUID
    until: float
    """When it has to be verified again, in Unix seconds."""


class Tokens:
    """Verifies and issues our own tokens."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def verify(self, token: str) -> Claims:
        """Read a token.

        Raises:
            Unauthorized: it is not one of ours, or it has expired.

        """
        try:
            claims = jwt.decode(
                token, self._secret, algorithms=[*ALGORITHMS], options={"require": ["iat"]}
            )
        except CANNOT_READ as error:
            raise Unauthorized from error
        check_times(claims)
        user_id, org_id = text_in(claims, "user_id"), text_in(claims, "org_id")
        if not (user_id or org_id):
            raise Unauthorized
        return Claims(
            user_id=user_id,
            org_id=org_id,
            # The operator has signed it: without a role, it may do everything.
            role=role_in(claims, otherwise=OWNER),
            token_id=token_id(token, claims, tenant_of(user_id, org_id)),
            until=float(claims.get("exp", "inf")),
        )

    def has_signed(self, token: str) -> bool:
        """Whether the secret has signed *token*, be it still valid or not."""
        try:
            jwt.PyJWS().decode(token, self._secret, algorithms=[*ALGORITHMS])
        except CANNOT_READ:
            return False
        return True

    def issue(self, *, user_id: str, org_id: str | None, seconds: int | None) -> str:
        """Issue a token; without *seconds* it does not expire."""
        now = int(time.time())
        claims: dict[str, Any] = {"user_id": user_id, "iat": now}
        claims |= {"org_id": org_id} if org_id else {}
        claims |= {"exp": now + seconds} if seconds else {}
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)


def check_times(claims: Mapping[str, Any]) -> None:
    """Check that the times of a token are numbers that may be times (RFC 7519 §2, NumericDate).

    Raises:
        Unauthorized: one is something else.

    """
    for value in (claims[name] for name in ("exp", "iat", "nbf") if name in claims):
        # Not a number also where it is a text of digits, or NaN, which no comparison fits.
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= LATEST:
            raise Unauthorized


def text_in(claims: Mapping[str, Any], claim: str) -> str | None:
    """Read a claim that is a text; None where there is none.

    Raises:
        Unauthorized: it is something else, too long, or not printable.

    """
    value = claims.get(claim)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST_CLAIM or not value.isprintable():
        raise Unauthorized
    return value


def role_in(claims: Mapping[str, Any], *, otherwise: str) -> str:
    """Read the role in the organisation; *otherwise* where none is claimed.

    Clerk writes it as org_role, or as o.rol. A role we do not know may do the least.
    """
    short = claims.get("o")
    claimed = claims.get("org_role") or (short.get("rol") if isinstance(short, dict) else None)
    claimed = claimed or claims.get("role")
    if not claimed:
        return otherwise
    return _ROLES.get(str(claimed).removeprefix("org:"), VIEWER)


def token_id(token: str, claims: Mapping[str, Any], tenant: str) -> UUID:
    """Return the id under which a token may be revoked: by its jti, else by what was signed.

    The signature is left out: padding, for one, makes it look different and stays valid, and a
    revoked token must not come back in another spelling.

    Raises:
        Unauthorized: its jti is not valid.

    """
    if jti := text_in(claims, "jti"):
        return ids.token_id(tenant, jti=jti)
    signed = token.rpartition(".")[0]
    return ids.token_id(tenant, sha256=hashlib.sha256(signed.encode()).hexdigest())
