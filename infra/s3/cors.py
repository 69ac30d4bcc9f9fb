"""CORS of a storage: what web pages need to store and read files, and what its answers lack.

As browsers check it (Fetch Standard, §4.8 and §4.10) for requests without credentials.
"""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

OPAQUE = "null"
"""The origin of pages that have none, as those of Figma's plugins."""

ORIGINS = (OPAQUE, "https://example.com")
"""Pages that are not ours: a rule may be for one of them and not for the other."""

PREFLIGHT = {
    "Origin": OPAQUE,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type",
}
"""What a browser asks before a page may store an image."""

RULE = [
    {
        "AllowedOrigins": ["*"],
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedHeaders": ["content-type", "range", "x-figma-plugin-id"],
        "ExposeHeaders": ["etag", "content-range"],
        "MaxAgeSeconds": 7200,
    }
]
"""The rule of a bucket that pages can use, in the form of S3 and R2."""

RULE_TEXT = msgspec.json.encode(RULE).decode()


def lacks_for_reading(headers: Mapping[str, str], origin: str) -> str:
    """Return the header without which a page of *origin* cannot read an answer; empty: none."""
    allowed = headers.get("Access-Control-Allow-Origin")
    return "" if allowed in {"*", origin} else "Access-Control-Allow-Origin: *"


def lacks_for_storing(status: int, headers: Mapping[str, str]) -> str:
    """Return all that the answer to PREFLIGHT lacks; empty: nothing."""
    if lacking := lacks_for_reading(headers, OPAQUE):
        return lacking
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return f"2xx (it is {status})"
    wanted = {
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Allow-Headers": "content-type",
    }
    return ", ".join(
        f"{header}: {value}"
        for header, value in wanted.items()
        if not {value.lower(), "*"} & _names(headers.get(header, ""))
    )


def _names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}
