"""Strict requests: refuse a misspelt parameter, and a body where none is read."""

from typing import Any

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.routes import HTTPRoute

from app.auth.scopes import TICKET
from app.http.bad_request import BadRequest
from events.errors import Problem
from events.graph.nodes import pointer

PARAMETERS = "parameters"
"""Where a route keeps the names of its parameters in the address."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NOTHING = frozenset({b"", b"{}", b"null"})
"""Bodies that say nothing: many a client sends one with every request."""


def learn_parameters(app: Litestar) -> None:
    """Record for every route the parameters that its handler declares."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                names = {parameter.field_alias for parameter in model.expected_query_params}
                names |= {TICKET} if handler.opt.get(TICKET) else set()
                handler.opt[PARAMETERS] = frozenset(names)


async def refuse_unknown_parameters(
    connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
) -> None:
    """Refuse a parameter that the route does not know.

    Raises:
        BadRequest: names the first, and those that there are.

    """
    if not connection.scope["query_string"] or connection.scope.get("method") == "OPTIONS":
        return
    known: frozenset[str] = route.opt[PARAMETERS]
    for name in connection.query_params:
        if name not in known:
            params = {"name": name, "known": ", ".join(sorted(known - {TICKET})) or "—"}
            raise BadRequest(
                Problem(code="parameter_unknown", pointer=pointer(name), params=params)
            )


async def refuse_unread_body(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that the route would not read.

    Raises:
        BadRequest: it says something.

    """
    read = "data" in request.route_handler.parsed_fn_signature.parameters
    if not read and request.method in _WITH_BODY:
        body = await request.body()
        if body.strip() not in _NOTHING:
            raise BadRequest(Problem(code="body_unexpected"))
