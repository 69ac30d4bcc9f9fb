"""What the ways in have in common: the page that offers them, and the answer of a good sign-in."""

import secrets
from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from app.auth.caller import (
    KeyExpired,
    KeyRevoked,
    SignInLinkExpired,
    SignInLinkUsed,
    SignInRefused,
    Unauthorized,
)
from app.auth.session.access import PageAccess
from app.auth.session.cookies import cookies_of
from app.commands.sessions import NewSession
from app.pages.shell.shell import Shell
from app.pages.shell.to_sign_in import NEXT, next_page
from events.messages.texts import Texts
from infra.translation import message

TEXTS: Texts = {"unauthorized": "This is not a valid key or link."}
"""What a person reads instead of the text for programs."""

PROBLEM = "problem"
PROBLEMS = frozenset(
    kind.code
    for kind in (
        Unauthorized,
        KeyRevoked,
        KeyExpired,
        SignInLinkExpired,
        SignInLinkUsed,
        SignInRefused,
    )
)
"""Codes that the page of the ways in explains; any other in its address is passed over."""


def sign_in_page(
    request: Request[Any, Any, Any], shell: Shell, *, onward: str = "", problem: str = ""
) -> Response[Any]:
    """Show the ways in; with the code of a *problem*, why one of them did not work."""
    return visited(
        request,
        shell,
        "sign_in/sign_in.html",
        status=401 if problem in PROBLEMS else 200,
        onward=onward,
        problem=_text(shell, problem) if problem in PROBLEMS else "",
        has_provider=request.app.state.provider_sign_in is not None,
    )


def _text(shell: Shell, code: str) -> str:
    if code in TEXTS:
        return shell.t(TEXTS[code])
    return message(code, shell.preferences.language)


def refused(shell: Shell, problem: Unauthorized, onward: str = "") -> Response[Any]:
    """Lead back to the ways in, which say what was wrong.

    By a redirect: a button that was pressed twice is refused the second time, and the browser has
    the session of the first by then.
    """
    query = [(PROBLEM, problem.code), *([(NEXT, onward)] if onward else [])]
    location = shell.address.to("sign-in", query)
    return Response(None, status_code=303, headers={"Location": location})


def visited(
    request: Request[Any, Any, Any],
    shell: Shell,
    template: str,
    *,
    status: int = 200,
    **values: Any,
) -> Response[Any]:
    """Show a page with a form for a browser that has no session; a cookie binds the form to it."""
    access: PageAccess = request.app.state.page_access
    cookies = cookies_of(request, access.public_url)
    known = request.cookies.get(cookies.visitor, "")
    secret = known or secrets.token_urlsafe(32)
    page = shell.page(
        template, status=status, current="", visit_token=access.forms.token(secret), **values
    )
    if not known:
        page.cookies.append(cookies.made(cookies.visitor, secret))
    return page


def signed_in(
    request: Request[Any, Any, Any], shell: Shell, new: NewSession, onward: object
) -> Response[Any]:
    """Set the cookie of a session, and lead the browser to where the person wanted to go."""
    location = shell.address.to(next_page(onward))
    return Response(
        None,
        status_code=303,
        headers={"Location": location},
        cookies=[session_cookie(request, new)],
    )


def session_cookie(request: Request[Any, Any, Any], new: NewSession) -> Cookie:
    """Return the cookie of a session.

    That of the visit stays beside it: a form in a second tab is still one of this browser's, and
    its person is led on rather than refused.
    """
    access: PageAccess = request.app.state.page_access
    cookies = cookies_of(request, access.public_url)
    started = new.session.started
    seconds = int((started.expires_at - started.at).total_seconds())
    return cookies.made(cookies.session, new.secret, seconds=seconds)


def field(form: Any, name: str) -> str:
    """Return a field of a form that is a text; else an empty one."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
