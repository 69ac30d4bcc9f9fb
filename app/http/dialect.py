"""A dialect of the API: how its errors look. A route names its dialect in its `opt`."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from msgspec import Struct

DIALECT = "dialect"
"""Where a route keeps its dialect."""


class Dialect(Struct, frozen=True, kw_only=True):
    """How the errors of a dialect are answered and documented."""

    prefix: str
    """Of all its paths: an unknown path below it is refused in this dialect."""

    answer_error: Callable[[Request[Any, Any, Any], Exception], Response[Any]]
    document_errors: Callable[[dict[str, Any]], None]
    """Replaces the errors of an OpenAPI operation, which are described as native ones."""
