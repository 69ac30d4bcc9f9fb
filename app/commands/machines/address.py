"""Check of a machine's address, before it is called."""

import re
from urllib.parse import urlsplit

from app.http.bad_request import bad
from infra.net.machine_address import AddressRefused, check_host

LONGEST_HOST = 253
"""Characters of a host name (RFC 1035 §2.3.4)."""


def checked_url(url: str, *, allow_private: bool) -> str:
    """Return a machine's URL as it is kept.

    Raises:
        BadRequest: it is none, or leads where no machine may be.

    """
    if not is_address(url):
        raise bad("bad_machine_url", "/url")
    try:
        check_host(urlsplit(url).hostname or "", allow_private=allow_private)
    except AddressRefused as error:
        raise bad("machine_address_private", "/url", host=error.host) from error
    return url.rstrip("/")


def is_address(url: str) -> bool:
    """Whether a driver can open *url*."""
    try:
        address = urlsplit(url)
        _ = address.port  # raises for what is no port
    except ValueError:
        return False
    host = address.hostname or ""
    named = bool(host) and len(host) <= LONGEST_HOST and not re.search(r"[^\w.:-]", host)
    plain = url.isprintable() and " " not in url and address.username is None
    return address.scheme in {"http", "https"} and named and plain
