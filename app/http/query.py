"""The parameters of an address, in their order; the framework's own collection has none."""

from typing import Any
from urllib.parse import parse_qsl

from litestar.connection import ASGIConnection


def ordered_query(connection: ASGIConnection[Any, Any, Any, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and values as they stand in the address."""
    text = connection.scope["query_string"].decode("latin-1")
    return tuple(parse_qsl(text, keep_blank_values=True)) if text else ()
