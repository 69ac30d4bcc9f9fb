"""Parts and versions of a file: the Range and If-headers of a request (RFC 9110 §13 and §14)."""

import re

from infra.s3.port import Span

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class RangeNotSatisfiable(Exception):
    """The range begins after the end of the file."""

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size} bytes")
        self.size = size
        """Of the whole file, in bytes."""


def span_in(header: str, size: int) -> Span | None:
    """Return the one range that a Range header names; None: answer with the whole file.

    Several ranges at once, other units and what makes no sense are passed over, as they may be.

    Raises:
        RangeNotSatisfiable: the file ends before it.

    """
    found = _ONE_RANGE.fullmatch(header.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return _last_bytes(int(found[2]), size)
    first = int(found[1])
    last = int(found[2]) if found[2] else max(size - 1, first)
    if last < first:
        return None
    if first >= size:
        raise RangeNotSatisfiable(size)
    return Span(first=first, last=min(last, size - 1))


def _last_bytes(count: int, size: int) -> Span | None:
    if not count:
        raise RangeNotSatisfiable(size)
    # An empty file has no last byte; all of it is its last bytes.
    return Span(first=max(size - count, 0), last=size - 1) if size else None


def is_known(if_none_match: str, etag: str) -> bool:
    """Return whether If-None-Match says that the client has the version *etag*."""
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


def continues(if_range: str, etag: str) -> bool:
    """Return whether a range goes on with the version that the client has (If-Range).

    A date never does: a part of one version must not be joined to a part of another.
    """
    return not if_range or if_range.strip() == etag
