"""An identity provider as its client sees it: where people sign in, and codes for tokens.

OpenID Connect Discovery 1.0, and the authorisation code of RFC 6749 with PKCE (RFC 7636).
"""

import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote_plus, urlsplit

import aiohttp
import msgspec

from infra.net.jwks import IdentityProviderUnavailable

KEPT = 3600.0
"""Seconds after which the provider's own description is fetched again."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MOST_BYTES = 256 * 1024
_OK = 200
_SERVER_ERRORS = 500


class CodeRefused(Exception):
    """The provider does not exchange this code."""


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of itself, as far as it matters here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True, kw_only=True):
    id_token: str


@asynccontextmanager
async def open_oidc_provider(
    issuer: str, *, client_id: str, client_secret: str
) -> AsyncIterator["OidcProvider"]:
    """Open the provider *issuer*; nothing is fetched until the first person signs in."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        yield OidcProvider(issuer, session, client_id=client_id, client_secret=client_secret)


class OidcProvider:
    """One provider, and us as one of its clients."""

    def __init__(
        self,
        issuer: str,
        session: aiohttp.ClientSession,
        *,
        client_id: str,
        client_secret: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take an empty *client_secret* for a public client."""
        self.client_id = client_id
        self._issuer = issuer
        self._session = session
        self._client_secret = client_secret
        self._clock = clock
        self._endpoints: Endpoints | None = None
        self._fetched = float("-inf")

    async def endpoints(self) -> Endpoints:
        """Return where people sign in and where codes are exchanged.

        Raises:
            IdentityProviderUnavailable: the provider cannot be asked, or says what it may not.

        """
        if self._endpoints is None or self._clock() - self._fetched >= KEPT:
            address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            status, body = await self._ask("GET", address)
            self._endpoints = self._checked(status, body)
            self._fetched = self._clock()
        return self._endpoints

    async def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        """Exchange a code for an ID token, which is not verified here.

        Raises:
            CodeRefused: the code is not one of this sign-in, or we are not this client.
            IdentityProviderUnavailable: the provider cannot be asked.

        """
        endpoints = await self.endpoints()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        more, headers = self._authentication(endpoints)
        status, body = await self._ask("POST", endpoints.token_endpoint, form | more, headers)
        try:
            if status != _OK:
                raise CodeRefused(f"status {status}")
            return msgspec.json.decode(body, type=_Tokens).id_token
        except msgspec.DecodeError as error:
            raise CodeRefused("no ID token") from error

    def _authentication(self, endpoints: Endpoints) -> tuple[dict[str, str], dict[str, str]]:
        """Return the fields and headers that name us to the provider."""
        if not self._client_secret:
            return {"client_id": self.client_id}, {}
        if "client_secret_basic" in endpoints.token_endpoint_auth_methods_supported:
            # RFC 6749 §2.3.1: both are form-encoded before they are put together.
            login = f"{quote_plus(self.client_id)}:{quote_plus(self._client_secret)}"
            return {}, {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
        return {"client_id": self.client_id, "client_secret": self._client_secret}, {}

    def _checked(self, status: int, body: bytes) -> Endpoints:
        try:
            found = msgspec.json.decode(body, type=Endpoints)
        except msgspec.DecodeError as error:
            raise IdentityProviderUnavailable(f"status {status}: {error}") from error
        # Discovery §4.3: another issuer's description would send people elsewhere.
        safe = all(map(_is_safe, (found.authorization_endpoint, found.token_endpoint)))
        if found.issuer != self._issuer or not safe:
            raise IdentityProviderUnavailable(f"{self._issuer} describes itself as {found}")
        return found

    async def _ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        try:
            async with self._session.request(
                method, url, data=form, headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(_MOST_BYTES)
                while chunk := await answer.content.read(_MOST_BYTES):
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise aiohttp.ClientPayloadError("too large")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise IdentityProviderUnavailable(f"{url}: {error}") from error
        if answer.status >= _SERVER_ERRORS:
            raise IdentityProviderUnavailable(f"{url} answers {answer.status}")
        return answer.status, body


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
