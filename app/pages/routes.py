"""All pages, with what guards them and how their errors look."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler

from app.auth.session.page_guard import check_form
from app.http.accepts import prefers_html
from app.http.dialect import DIALECT
from app.pages import changes, links, static
from app.pages.caller import OPEN_GUARDS, PAGE_GUARDS
from app.pages.home import routes as home
from app.pages.i18n.preferences import keep_choice
from app.pages.provide import dependencies
from app.pages.runs import routes as runs
from app.pages.shell.errors import PAGES
from app.pages.sign_in import editor, sessions
from app.pages.sign_in import provider as sign_in_by_provider
from app.pages.sign_in import routes as sign_in

GUARDED_PAGES = [
    home.overview,
    *changes.ROUTES,
    *runs.ROUTES,
    *links.ROUTES,
    *sessions.ROUTES,
    *editor.ROUTES,
]
"""All that a signed-in browser opens, beside Home."""

_WELCOME = {"name": "comfyd", "docs": "docs", "openapi": "openapi.json", "health": "health/ready"}
"""What a program is answered at /. Relative: the API may lie below a path of a proxy's."""


def _for_browsers(guard: Callable[..., Any]) -> Callable[..., Any]:
    async def guarded(
        connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler
    ) -> None:
        if prefers_html(connection):
            await guard(connection, route)

    return guarded


async def _welcome_programs(request: Request[Any, Any, Any]) -> Response[Any] | None:
    """Answer programs with what this is and where the rest is; what browsers see is guarded."""
    if not prefers_html(request):
        return Response(_WELCOME, headers={"Vary": "Accept"})
    return await keep_choice(request)


async def _check(request: Request[Any, Any, Any]) -> Response[Any] | None:
    await check_form(request)
    return await keep_choice(request)


def _router(routes: list[HTTPRouteHandler], **more: Any) -> Router:
    return Router(
        path="/",
        route_handlers=routes,
        include_in_schema=False,
        opt={DIALECT: PAGES},
        **more,
    )


def page_routes() -> list[HTTPRouteHandler | Router]:
    """Return the routes of all pages."""
    open_guards = [_for_browsers(guard) for guard in PAGE_GUARDS]
    common = {"dependencies": dependencies()}
    return [
        static.asset,
        _router([home.home], guards=open_guards, before_request=_welcome_programs, **common),
        _router(
            [*sign_in.ROUTES, *sign_in_by_provider.ROUTES, editor.open_login],
            guards=OPEN_GUARDS,
            before_request=_check,
            **common,
        ),
        _router(GUARDED_PAGES, guards=PAGE_GUARDS, before_request=_check, **common),
    ]
