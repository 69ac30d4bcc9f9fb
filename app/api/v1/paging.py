"""Lists: a part at a time, newest first."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from litestar.params import QueryParameter
from msgspec import Struct

from app.api.requests import POSITION
from app.http.bad_request import bad
from projections.queries import Page
from projections.tables import Row

Limit = Annotated[int, QueryParameter(ge=1, le=100)]
DEFAULT_LIMIT = 20

FILTER_PATTERN = r"\A[^\x00-\x1f\x7f]*\Z"
"""Names that may be looked for: Postgres does not take NUL, and the others cannot be typed."""

NameFilter = Annotated[str | None, QueryParameter(max_length=200, pattern=FILTER_PATTERN)]
"""A name as it may be given; what else is asked for, Postgres may not even take (NUL)."""

T = TypeVar("T")

_MARK = "b"


class ListView(Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list, newest first."""

    data: list[T]
    has_more: bool
    next_cursor: str | None


def list_view(page: Page, view: Callable[[Row], T]) -> ListView[T]:
    """Show a page of rows."""
    return ListView(
        data=[view(row) for row in page.rows],
        has_more=page.has_more,
        next_cursor=cursor_of(page.next_before),
    )


def cursor_of(before: int | None) -> str | None:
    """Encode where the next page starts, as an opaque cursor."""
    return None if before is None else urlsafe_b64encode(f"{_MARK}{before}".encode()).decode()


def before_of(cursor: str | None) -> int | None:
    """Read a cursor.

    Raises:
        BadRequest: it is not one of ours.

    """
    if not cursor:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text.startswith(_MARK) or not POSITION.fullmatch(text[1:]):
        raise bad("bad_cursor", "/cursor")
    return int(text[1:])
