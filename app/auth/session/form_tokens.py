"""Form tokens: each form carries one that only this browser's pages can know.

A page on another port of the same host gets our cookies sent with its forms, also those that are
`SameSite=Strict`; it cannot read our pages, so it does not know the token.
"""

import hashlib
import hmac

from app.auth.sealed import derived_key

FIELD = "form_token"
"""Name of the field in a form."""

HEADER = "X-Form-Token"
"""The same for requests of scripts."""

PURPOSE = b"comfyd form token v1"


class FormTokens:
    """Makes and checks tokens; none is stored."""

    def __init__(self, secret: str) -> None:
        self._key = derived_key(secret, PURPOSE)

    def token(self, secret: str) -> str:
        """Return the token of a session, or of a browser that has none yet, by its secret."""
        return hmac.new(self._key, secret.encode(), hashlib.sha256).hexdigest()

    def matches(self, token: str, secret: str) -> bool:
        """Return whether this is the token for *secret*, in constant time."""
        return hmac.compare_digest(self.token(secret).encode(), token.encode())
