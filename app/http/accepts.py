"""Whether a request comes from a browser that wants to show a page (RFC 9110 §12.5.1)."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures.headers import Accept


def prefers_html(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Return whether HTML is preferred to JSON; a client that takes anything is a program."""
    accepted = Accept(connection.headers.get("accept", "*/*"))
    return accepted.best_match(["application/json", "text/html"]) == "text/html"
