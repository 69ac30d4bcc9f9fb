"""The public keys of an identity provider, fetched when they are needed and kept.

They are fetched again after ten minutes, and when a token names a key that is not among them, since
issuers change their keys; but never more often than every ten seconds, whatever tokens say.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = logging.getLogger(__name__)

KEPT = 600.0
"""Seconds after which the keys are fetched anew."""

PAUSE = 10.0
"""Least seconds between two fetches."""

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_MOST_BYTES = 1024 * 1024
_OK = 200
_LEAST_RSA_BITS = 2048


class IdentityProviderUnavailable(Exception):
    """The identity provider's keys cannot be fetched."""


@asynccontextmanager
async def open_jwks(url: str) -> AsyncIterator["Jwks"]:
    """Open the keys behind *url*; nothing is fetched until the first is wanted."""
    async with aiohttp.ClientSession() as session:
        yield Jwks(url, session)


class Jwks:
    """The keys behind one URL."""

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._session = session
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    async def key(self, kid: str | None) -> jwt.PyJWK | None:
        """Return the key of that name, or the only one there is when a token names none.

        Raises:
            IdentityProviderUnavailable: it is not known, and the last fetch failed.

        """
        now = self._clock()
        if now - self._fetched >= KEPT or self._known(kid) is None:
            await self._refresh(since=now)
        found = self._known(kid)
        if found is None and self._tried > self._fetched:
            raise IdentityProviderUnavailable(self._url)
        return found

    def _known(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    async def _refresh(self, *, since: float) -> None:
        async with self._one_at_a_time:
            # A caller that waited here has been served by the one before.
            if self._tried >= since or self._clock() - self._tried < PAUSE:
                return
            self._tried = self._clock()
            try:
                self._keys = await self._fetch()
            except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
                # The keys that are known stay good: the issuer being away proves nothing of them.
                log.warning("jwks.fetch_failed", extra={"url": self._url, "error": str(error)})
            else:
                self._fetched = self._tried

    async def _fetch(self) -> dict[str | None, jwt.PyJWK]:
        async with self._session.get(self._url, timeout=_TIMEOUT, allow_redirects=False) as answer:
            if answer.status != _OK:
                raise aiohttp.ClientPayloadError(f"status {answer.status}")
            body = await answer.content.read(_MOST_BYTES)
            while chunk := await answer.content.read(_MOST_BYTES):
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise aiohttp.ClientPayloadError("too large")
        return keys_in(body)


class _KeySet(msgspec.Struct):
    keys: list[dict[str, object]]


def keys_in(body: bytes) -> dict[str | None, jwt.PyJWK]:
    """Read the keys for signatures out of a JWK Set (RFC 7517), leaving out what we cannot use.

    Raises:
        msgspec.DecodeError: it is no JWK Set.

    """
    found: dict[str | None, jwt.PyJWK] = {}
    for fields in msgspec.json.decode(body, type=_KeySet).keys:
        kid = fields.get("kid")
        if key := _public_key(fields):
            found[kid if isinstance(kid, str) else None] = key
    return found


def _public_key(fields: dict[str, object]) -> jwt.PyJWK | None:
    # A secret or a private key has no place here: what is published may not sign.
    if fields.get("use", "sig") != "sig" or fields.get("kty") == "oct" or "d" in fields:
        return None
    try:
        key = jwt.PyJWK(fields)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    weak = isinstance(key.key, RSAPublicKey) and key.key.key_size < _LEAST_RSA_BITS
    return None if weak else key
