"""Which page of ComfyUI asks to log in: kept in the browser while its person signs in.

A browser names the page that a link was pressed on in `Referer`. That is lost on the way over the
sign-in, so a cookie holds it. What is in it was claimed by the browser of the very person who reads
it: it needs no signature.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

LASTS = timedelta(minutes=10)
"""Time in which a login is granted after its page was opened; a person may have to sign in."""

LONGEST = 200
"""Characters of an origin; a longer one is not shown, and taken for none."""


class Asking(Struct, frozen=True, kw_only=True):
    """A page that asks to log in."""

    request_id: str
    origin: str
    """Scheme, host and port of the page; empty where no page led here."""

    at: datetime

    def encode(self) -> str:
        """Return what the cookie holds."""
        return urlsafe_b64encode(msgspec.json.encode(self)).decode()

    def is_over(self, now: datetime) -> bool:
        """Return whether the login may no longer be granted."""
        return not self.at <= now < self.at + LASTS


def decode_asking(cookie: str) -> Asking | None:
    """Read a cookie; None where it is none of ours."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cookie.encode()), type=Asking)
    except (ValueError, msgspec.DecodeError):
        return None


def origin_of(address: str) -> str:
    """Return the origin of the address of a page; empty where it has none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    place = parts.netloc.rpartition("@")[2].lower()
    origin = f"{parts.scheme}://{place}"
    is_page = parts.scheme in {"http", "https"} and place
    return origin if is_page and origin.isascii() and len(origin) <= LONGEST else ""


def machine_at(origin: str, machines: Iterable[tuple[str, str]]) -> str:
    """Return the name of the machine whose page has an origin, of names with URLs; else nothing."""
    if not origin:
        return ""
    wanted = _one_loopback(origin)
    return next((name for name, url in machines if _one_loopback(origin_of(url)) == wanted), "")


def _one_loopback(origin: str) -> str:
    """Write this computer in one way: browsers go by its name where machines have an address."""
    return origin.replace("://localhost", "://127.0.0.1", 1)
