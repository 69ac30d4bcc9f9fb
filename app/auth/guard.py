"""Guard of the routes: authenticate and authorise requests.

Routes declare by `opt=needs(…)` which scope they need; the application does not start with one that
does not.
"""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler

from app.auth.caller import Caller, CredentialInAddress, ScopeMissing, Unauthorized
from app.auth.credentials import Credentials
from app.auth.scopes import ADMIN, OPT, PER_DEPLOYMENT, TENANT, TICKET, VERSION
from app.auth.tickets import looks_like_a_ticket
from events.errors import NotFound

ORGANISATION_HEADER = "Comfyd-Organisation"

_CREDENTIAL = re.compile(r"\bcf[ds]_[\w-]{64}|\beyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
"""An API key, the secret of a session, or a JWT."""


class ScopeUndeclared(Exception):
    """A route does not declare its scopes: a mistake in our own code."""


def check_scopes_declared(handlers: Iterable[HTTPRouteHandler]) -> None:
    """Check that every route declares which scope it needs.

    Raises:
        ScopeUndeclared: names the first that does not.

    """
    for handler in handlers:
        if OPT not in handler.opt:
            method, path = min(handler.http_methods), min(handler.paths)
            raise ScopeUndeclared(f"{method} {path} lacks opt=needs(…) (app/auth/scopes.py)")


async def authorise(
    connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
) -> None:
    """Authenticate the caller and check their scopes, before anything else of the request.

    Raises:
        Unauthorized: there is no valid credential, or one in the address.
        LogUnavailable, IdentityProviderUnavailable: the credential cannot be checked now.
        ScopeMissing: the caller may not do this.
        NotFound: the caller is kept to some deployments, and the route knows nothing of that.

    """
    if connection.scope.get("method") == "OPTIONS":
        return  # the framework's own answer to it tells the methods, which are no secret
    if connection.scope["query_string"]:
        _refuse_credential_in_address(connection)
    caller = await _caller(connection, route)
    check_scopes(caller, route)
    connection.state.caller = caller


def check_scopes(caller: Caller, route: BaseRouteHandler) -> None:
    """Check that a caller may use a route.

    Raises:
        ScopeMissing: the caller may not do this.
        NotFound: the caller is kept to some deployments, and the route knows nothing of that.

    """
    if caller.scopes.isdisjoint(route.opt[OPT]):
        raise ScopeMissing(route.opt[OPT] - {ADMIN} or route.opt[OPT])
    if caller.deployments and not route.opt[PER_DEPLOYMENT]:
        raise NotFound("there is nothing here for a key that is restricted to deployments")


def _refuse_credential_in_address(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Refuse keys and tokens in query parameters: proxies log addresses, browsers keep them."""
    for name, value in connection.query_params.multi_items():
        if name == "access_token" or _CREDENTIAL.search(value):
            raise CredentialInAddress


async def _caller(
    connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
) -> Caller:
    credentials: Credentials = connection.app.state.credentials
    authorization = connection.headers.get("authorization", "")
    if not authorization and "ticket" in connection.query_params:
        aggregate = _aggregate(connection, route)
        return await credentials.caller_with_ticket(connection.query_params["ticket"], aggregate)
    scheme, _, credential = authorization.partition(" ")
    credential = credential.strip() if scheme.lower() == "bearer" else ""
    if route.opt[TICKET] == VERSION and looks_like_a_ticket(credential):
        return await credentials.caller_with_ticket(credential, _aggregate(connection, route))
    organisation = connection.headers.get(ORGANISATION_HEADER, "")
    return await credentials.caller(credential, organisation)


def _aggregate(
    connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
) -> str | None:
    """Return what a ticket must be for, to open this address; None for its tenant."""
    if not (kind := route.opt[TICKET]):
        raise Unauthorized
    if kind == TENANT:
        return None
    try:
        return f"{kind}-{UUID(connection.path_params[f'{kind}_id'])}"
    except ValueError:
        return ""  # no id: the ticket is checked first, and then nothing is found


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """Return the caller that the guard has found."""
    caller: Caller = request.state.caller
    return caller
