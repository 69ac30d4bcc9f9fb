"""Sign-in at an identity provider: authorisation code with PKCE (RFC 7636), bound to one browser.

What one sign-in needs to go on is sealed into a cookie while the browser is at the provider, so
any process may finish what another began.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

import jwt
from msgspec import Struct

from app.auth.caller import SignInRefused, Unauthorized
from app.auth.oidc import OidcTokens
from app.auth.sealed import Sealed
from app.auth.tokens import Claims
from infra.net.oidc_provider import CodeRefused, OidcProvider

VALID = timedelta(minutes=10)
LONGEST = 4096
PURPOSE = b"comfyd provider sign-in v1"
SCOPES = "openid profile"


class Pending(Struct, frozen=True, kw_only=True):
    """A sign-in that goes on at the provider."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    next_page: str
    """Where the person wanted to go."""

    expires_at: datetime


class ProviderSignIn:
    """Begins and finishes sign-ins at one provider."""

    def __init__(
        self,
        provider: OidcProvider,
        tokens: OidcTokens,
        *,
        secret: str,
        now: Callable[[], datetime],
    ) -> None:
        """Take *tokens* that are for us as a client of *provider*."""
        self._provider = provider
        self._tokens = tokens
        self._sealed = Sealed(secret, PURPOSE, Pending)
        self._now = now

    async def begin(self, *, redirect_uri: str, next_page: str) -> tuple[str, str]:
        """Return the address at the provider, and what the browser keeps in a cookie meanwhile.

        Raises:
            IdentityProviderUnavailable: the provider cannot be asked where people sign in.

        """
        pending = Pending(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            next_page=next_page,
            expires_at=self._now() + VALID,
        )
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPES,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        address = (await self._provider.endpoints()).authorization_endpoint
        mark = "&" if "?" in address else "?"
        return f"{address}{mark}{urlencode(query)}", self._sealed.seal(pending)

    async def finish(self, sealed: str, *, state: str, code: str) -> tuple[Claims, str]:
        """Return whom the provider has named, and where they wanted to go.

        Raises:
            SignInRefused: it began in another browser or too long ago, or the provider refuses.
            IdentityProviderUnavailable: the provider cannot be asked.

        """
        pending = self._pending(sealed, state)
        try:
            token = await self._provider.exchange(
                code, verifier=pending.verifier, redirect_uri=pending.redirect_uri
            )
            claims = await self._tokens.verify(token)
        except (CodeRefused, Unauthorized) as error:
            raise SignInRefused from error
        # Verified just now; the nonce is what binds the token to this sign-in.
        said = jwt.decode(token, options={"verify_signature": False}).get("nonce")
        if said != pending.nonce:
            raise SignInRefused
        return claims, pending.next_page

    def _pending(self, sealed: str, state: str) -> Pending:
        try:
            pending = self._sealed.open(sealed[:LONGEST])
        except Unauthorized as error:
            raise SignInRefused from error
        same = secrets.compare_digest(pending.state.encode(), state.encode())
        if not same or pending.expires_at <= self._now():
            raise SignInRefused
        return pending


def challenge(verifier: str) -> str:
    """Return what the provider compares the verifier with (RFC 7636 §4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
