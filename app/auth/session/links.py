"""One-time links for signing in, valid for ten minutes.

A link is sealed and not stored. It names the one session that it can start, so it is used up when
that session is in the log, on whichever process.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from app.auth.caller import SignInLinkExpired
from app.auth.sealed import Sealed

VALID = timedelta(minutes=10)
LONGEST = 2048
"""Characters of a sealed link; longer ones are not looked at."""

PATH = "sign-in/link"
PURPOSE = b"comfyd sign-in link v1"


class SignInLink(Struct, frozen=True, kw_only=True, array_like=True):  # short addresses
    """The content of a link: for whom it is."""

    link_id: UUID
    user_id: str
    org_id: str | None
    expires_at: datetime


class SignInLinks:
    """Makes and reads links."""

    def __init__(self, secret: str) -> None:
        self._sealed = Sealed(secret, PURPOSE, SignInLink)

    def address(self, base: str, link: SignInLink) -> str:
        """Return the address that a person opens; *base* is where the pages are."""
        return f"{base.rstrip('/')}/{PATH}?token={self._sealed.seal(link)}"

    def open(self, token: str, now: datetime) -> SignInLink:
        """Read the token of a link.

        Raises:
            Unauthorized: it is not one of ours.
            SignInLinkExpired: it has expired.

        """
        link = self._sealed.open(token[:LONGEST])
        if link.expires_at <= now:
            raise SignInLinkExpired
        return link
