"""Tokens of callbacks: an HMAC of run, attempt and expiry.

None is stored: the secret alone is enough to check them. None is ever part of a URL.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from events.run.callback import CallbackClaims

LONGEST = 200
"""Characters of a token; longer ones are not looked at."""

_PURPOSE = b"comfyd callback token v1"
_PARTS = 4


class CallbackTokens:
    """Makes and checks tokens of callbacks."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)

    def make(self, claims: CallbackClaims) -> str:
        """Return the token that proves *claims*; its expiry is cut to whole seconds."""
        expiry = int(claims.expires_at.timestamp())
        signed = f"{claims.run_id.hex}.{claims.attempt}.{expiry}"
        return f"{signed}.{self._signature(signed)}"

    def claims(self, token: str) -> CallbackClaims | None:
        """Return what a token proves; None if it was not made here."""
        parts = token.split(".") if len(token) <= LONGEST else []
        if len(parts) != _PARTS:
            return None
        signed, _, signature = token.rpartition(".")
        expected = self._signature(signed)
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            return None
        # What is signed was written above, so it can be read.
        return CallbackClaims(
            run_id=UUID(parts[0]),
            attempt=int(parts[1]),
            expires_at=datetime.fromtimestamp(int(parts[2]), UTC),
        )

    def _signature(self, signed: str) -> str:
        digest = hmac.digest(self._key, signed.encode(errors="replace"), hashlib.sha256)
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def bearer_in(header: str) -> str:
    """Return the token in an Authorization header; empty if there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
