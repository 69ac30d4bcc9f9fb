"""What requests have in common in every dialect: ids, names, headers, and how they are read."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar.params import HeaderParameter, QueryParameter
from msgspec import Meta, ValidationError, convert

from app.http.bad_request import bad
from app.http.field_problems import TIME
from events.errors import NotFound
from events.graph.externals.classes import LONGEST_NAME, MOST_INPUTS

LONGEST_WAIT = 55
"""Seconds. Proxies give up after 60 s without an answer, by their own defaults."""

LONGEST_KEY = 255

POSITION = re.compile(r"\d{1,18}", re.ASCII)
"""A position as we write it; more digits would not fit into a bigint of Postgres."""

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Prefer = Annotated[str | None, HeaderParameter(name="Prefer")]
LastEventId = Annotated[str | None, HeaderParameter(name="Last-Event-ID")]

Moment = Annotated[str | None, QueryParameter(format="date-time")]
"""A time in an address. As a `datetime` it would be read laxly: `0.5` is one there, of 1970."""

_SECONDS = re.compile(r"0*(\d+)", re.ASCII)

_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f"  # control characters
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # marks and fillers without a shape
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, direction, lines, invisible operators
    r"\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tags
)
"""Characters without a shape: with them two names look alike, or a name reads as another."""

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=rf"\A[^{_UNSEEN}]*\Z")]

Comment = Annotated[str, Meta(max_length=2000)]

Inputs = Annotated[
    dict[Annotated[str, Meta(max_length=LONGEST_NAME)], Any], Meta(max_length=MOST_INPUTS)
]
"""Values by the names of inputs."""


def idempotency_key(header: str | None) -> str | None:
    """Read an Idempotency-Key.

    Raises:
        BadRequest: it is empty, too long or not printable.

    """
    if header is None:
        return None
    key = header.strip().strip('"')
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise bad("bad_idempotency_key", "", limit=str(LONGEST_KEY))
    return key


def preferred_wait(header: str | None) -> int:
    """Read how many seconds a client prefers to wait (RFC 7240); 0 for none."""
    for preference in (header or "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.strip().lower() == "wait" and (found := _SECONDS.fullmatch(value.strip())):
            # Python refuses to read a number of thousands of digits.
            return min(int(found[1][:9]), LONGEST_WAIT)
    return 0


def position_in(text: str | None, *, parameter: str) -> int | None:
    """Read a position that a client was given.

    Raises:
        BadRequest: it was not given by us.

    """
    if text is None or text == "":
        return None
    if not POSITION.fullmatch(text):
        raise bad("bad_position", f"/{parameter}")
    return int(text)


def moment_in(text: str | None, *, parameter: str) -> datetime | None:
    """Read a time, which has a zone.

    Raises:
        BadRequest: it is not as RFC 3339 writes it.

    """
    if text is None:
        return None
    try:
        moment: datetime = convert(text, Annotated[datetime, Meta(tz=True)])
    except ValidationError:
        raise bad("field_format", f"/{parameter}", format=TIME) from None
    return moment


def identifier(text: str) -> UUID:
    """Read an id in a path; what is none names nothing, so it is not found either.

    Raises:
        NotFound: it is no id.

    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is nothing with this id") from None
