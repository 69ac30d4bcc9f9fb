"""The ways in that need no one else: a one-time link, and an API key."""

from contextlib import suppress
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery

from app.auth.caller import Caller, Unauthorized
from app.auth.session.access import PageAccess
from app.auth.session.cookies import cookies_of
from app.commands.sessions import Sessions
from app.pages.shell.shell import Shell
from app.pages.shell.to_sign_in import NEXT, next_page
from app.pages.sign_in.answers import PROBLEM, field, refused, sign_in_page, signed_in, visited


@get("/sign-in")
async def show_ways(
    request: Request[Any, Any, Any], shell: NamedDependency[Shell]
) -> Response[Any]:
    """Show the ways in; a browser with a session goes on at once."""
    wanted = next_page(request.query_params.get(NEXT))
    if await caller_of(request):
        return Response(None, status_code=303, headers={"Location": shell.address.to(wanted)})
    problem = request.query_params.get(PROBLEM, "")
    return sign_in_page(request, shell, onward=wanted, problem=problem)


@post("/sign-in/key")
async def use_key(
    request: Request[Any, Any, Any], shell: NamedDependency[Shell], state: State
) -> Response[Any]:
    """Sign in with an API key."""
    form, commands = await request.form(), state.session_commands
    onward = next_page(form.get(NEXT))
    try:
        new = await commands.start_with_key(field(form, "key").strip())
    except Unauthorized as problem:
        return refused(shell, problem, onward)
    return signed_in(request, shell, new, onward)


@get("/sign-in/link")
async def show_link(
    request: Request[Any, Any, Any],
    shell: NamedDependency[Shell],
    state: State,
    token: FromQuery[str] = "",
) -> Response[Any]:
    """Show whom a link signs in. It is not used yet: programs open links before people do."""
    commands: Sessions = state.session_commands
    try:
        link = commands.read_link(token)
    except Unauthorized as problem:
        return sign_in_page(request, shell, problem=problem.code)
    return visited(request, shell, "sign_in/link.html", link=link, token=token)


@post("/sign-in/link")
async def use_link(
    request: Request[Any, Any, Any], shell: NamedDependency[Shell], state: State
) -> Response[Any]:
    """Sign in with a link, which is used up by it."""
    commands: Sessions = state.session_commands
    token = field(await request.form(), "token")
    try:
        new = await commands.start_with_link(token)
    except Unauthorized as problem:
        return refused(shell, problem)
    return signed_in(request, shell, new, "")


async def caller_of(request: Request[Any, Any, Any]) -> Caller | None:
    """Return the caller of a browser at a page that needs no session, if it has one."""
    access: PageAccess = request.app.state.page_access
    secret = request.cookies.get(cookies_of(request, access.public_url).session, "")
    with suppress(Unauthorized):
        return await access.caller(secret)
    return None


ROUTES = [show_ways, use_key, show_link, use_link]
