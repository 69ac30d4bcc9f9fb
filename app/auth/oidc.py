"""Tokens of an identity provider: any OIDC issuer whose public keys can be fetched.

A key decides how its tokens are checked, never the token: one that says HS256 and is signed with
a public key as if that were a secret finds no such algorithm here.
"""

import time
from typing import Any, Protocol

import jwt

from app.auth.caller import Unauthorized, tenant_of
from app.auth.tokens import CANNOT_READ, Claims, check_times, role_in, text_in, token_id
from events.access.organisation import VIEWER

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
LEEWAY = 5.0
"""Seconds by which the issuer's clock may differ from ours."""

TRUSTED = 600.0
"""Seconds after which a token is verified again: its key may have been withdrawn."""


class PublicKeys(Protocol):
    """The keys that the issuer signs with (infra/net/jwks.py)."""

    async def key(self, kid: str | None) -> jwt.PyJWK | None:
        """Return the key with that id, or the only one there is; None for none.

        Raises:
            IdentityProviderUnavailable: the issuer cannot be asked.

        """
        ...


class OidcTokens:
    """Verifies tokens of one issuer."""

    def __init__(self, keys: PublicKeys, *, issuer: str, audience: str) -> None:
        """Accept tokens of *issuer* only; with an *audience*, only those that are for it."""
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def verify(self, token: str) -> Claims:
        """Read a token.

        Raises:
            Unauthorized: it is not one of the issuer's, not for us, or not valid now.
            IdentityProviderUnavailable: its key is not known, and the issuer cannot be asked.

        """
        try:
            key = await self._keys.key(jwt.get_unverified_header(token).get("kid"))
            if key is None or key.algorithm_name not in ALGORITHMS:
                raise Unauthorized
            claims = self._decoded(token, key)
        except CANNOT_READ as error:
            raise Unauthorized from error
        check_times(claims)
        user_id, org_id = text_in(claims, "sub"), _organisation(claims)
        if user_id is None:
            raise Unauthorized
        return Claims(
            user_id=user_id,
            org_id=org_id,
            role=role_in(claims, otherwise=VIEWER),
            token_id=token_id(token, claims, tenant_of(user_id, org_id)),
            until=min(float(claims["exp"]) + LEEWAY, time.time() + TRUSTED),
        )

    def _decoded(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self._issuer,
            audience=self._audience or None,
            leeway=LEEWAY,
            options={
                "require": ["exp", "iat", "iss", "sub", *(["aud"] if self._audience else [])],
                "verify_aud": bool(self._audience),
            },
        )


def _organisation(claims: dict[str, Any]) -> str | None:
    """Read for which organisation the person acts: org_id, or as Clerk writes it now, o.id."""
    short = claims.get("o")
    return text_in(claims, "org_id") or (text_in(short, "id") if isinstance(short, dict) else None)
