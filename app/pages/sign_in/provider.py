"""The way in by the identity provider: there, and back with a code."""

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException

from app.auth.caller import SignInRefused
from app.auth.session.access import PageAccess
from app.auth.session.cookies import cookies_of
from app.auth.session.provider import VALID, ProviderSignIn
from app.commands.sessions import Sessions
from app.pages.shell.shell import Shell
from app.pages.shell.to_sign_in import NEXT, next_page
from app.pages.sign_in.answers import refused, session_cookie

CALLBACK = "/sign-in/provider/callback"


@get("/sign-in/provider")
async def go_to_provider(request: Request[Any, Any, Any], state: State) -> Response[Any]:
    """Lead the browser to the identity provider."""
    access: PageAccess = state.page_access
    address, pending = await _provider(state).begin(
        redirect_uri=_base(request, access) + CALLBACK,
        next_page=next_page(request.query_params.get(NEXT)),
    )
    cookies = cookies_of(request, access.public_url)
    # Not `Strict`: the browser comes back from another site.
    cookie = cookies.made(
        cookies.provider, pending, seconds=int(VALID.total_seconds()), samesite="lax"
    )
    return Response(None, status_code=303, headers={"Location": address}, cookies=[cookie])


@get(CALLBACK)
async def come_back(
    request: Request[Any, Any, Any], shell: NamedDependency[Shell], state: State
) -> Response[Any]:
    """Sign in whom the provider has named."""
    access: PageAccess = state.page_access
    commands: Sessions = state.session_commands
    cookies = cookies_of(request, access.public_url)
    try:
        claims, onward = await _provider(state).finish(
            request.cookies.get(cookies.provider, ""),
            state=request.query_params.get("state", ""),
            code=request.query_params.get("code", ""),
        )
    except SignInRefused as problem:
        answer = refused(shell, problem)
        answer.cookies.append(cookies.gone(cookies.provider))
        return answer
    new = await commands.start_with_provider(claims)
    # A redirect from here would still count as the other site's, and come without the cookie.
    answer = shell.page("sign_in/continue.html", onward=shell.address.to(next_page(onward)))
    answer.cookies.extend([session_cookie(request, new), cookies.gone(cookies.provider)])
    return answer


def _provider(state: State) -> ProviderSignIn:
    provider: ProviderSignIn | None = state.provider_sign_in
    if provider is None:
        raise NotFoundException
    return provider


def _base(request: Request[Any, Any, Any], access: PageAccess) -> str:
    """Return where our pages are for this browser, without a slash at the end."""
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return (access.public_url or own).rstrip("/")


ROUTES = [go_to_provider, come_back]
