"""Checks that a request comes from one of our own pages, by its `Origin` (RFC 6454 §7).

Host and port are compared, not the scheme: behind a proxy that ends TLS, the process may not know
that browsers use https. `null` is what sandboxed frames and local files have, and never ours.
"""

from urllib.parse import urlsplit

from app.auth.caller import ForeignOrigin


def check_own_origin(origin: str, *, host: str, public_url: str) -> None:
    """Check the Origin of a request to *host*; that of *public_url* is ours as well.

    Raises:
        ForeignOrigin: it is that of another page, `null`, or missing.

    """
    own = {host.lower(), urlsplit(public_url).netloc.lower()} - {""}
    scheme, _, place = origin.lower().partition("://")
    if scheme not in {"http", "https"} or place not in own:
        raise ForeignOrigin
