"""Guard of the pages: authenticate by cookie, and accept forms of our own pages only.

The cookie opens no route of the API, and a bearer token no page (docs/adr/0028).
"""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from app.auth.caller import FormRefused
from app.auth.guard import check_scopes
from app.auth.scopes import OPT
from app.auth.session.access import PageAccess
from app.auth.session.cookies import cookies_of
from app.auth.session.form_tokens import FIELD, HEADER
from app.auth.session.own_origin import check_own_origin

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


async def authorise_page(
    connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
) -> None:
    """Authenticate the person at a page by their session, and check their scopes.

    Raises:
        Unauthorized: there is no session that counts.
        LogUnavailable: the session cannot be checked now.
        ScopeMissing: the person may not do this.
        NotFound: the session is kept to some deployments, and the page knows nothing of that.

    """
    if connection.scope.get("method") == "OPTIONS":
        return
    access: PageAccess = connection.app.state.page_access
    cookies = cookies_of(connection, access.public_url)
    caller = await access.caller(connection.cookies.get(cookies.session, ""))
    check_scopes(caller, route)
    connection.state.caller = caller


async def check_form(request: Request[Any, Any, Any]) -> None:
    """Check that a change comes from a page of ours, in this very browser.

    Raises:
        ForeignOrigin: another page sent it.
        FormRefused: it has no token of this browser's.

    """
    if request.method in _READING:
        return
    access: PageAccess = request.app.state.page_access
    check_own_origin(
        request.headers.get("origin", ""),
        host=request.headers.get("host", ""),
        public_url=access.public_url,
    )
    token = request.headers.get(HEADER) or (await request.form()).get(FIELD, "")
    secret = form_secret(request, access, signed_in=OPT in request.route_handler.opt)
    if not (secret and isinstance(token, str) and access.forms.matches(token, secret)):
        raise FormRefused


def form_secret(request: Request[Any, Any, Any], access: PageAccess, *, signed_in: bool) -> str:
    """Return what form tokens of this browser are bound to: its session, or else its visit."""
    cookies = cookies_of(request, access.public_url)
    return request.cookies.get(cookies.session if signed_in else cookies.visitor, "")


def form_token(request: Request[Any, Any, Any]) -> str:
    """Return the token for the forms of a page that a person who is signed in looks at."""
    access: PageAccess = request.app.state.page_access
    return access.forms.token(form_secret(request, access, signed_in=True))
