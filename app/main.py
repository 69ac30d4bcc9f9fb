"""Puts the HTTP application together."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.types import Message, Scope

from app.api import health
from app.api.classic import callbacks, editor_login, public
from app.api.classic import routes as classic
from app.api.classic.dialect import CLASSIC
from app.api.files import routes as files
from app.api.v1.routes import OTHERS, WITH_GRAPHS, WITH_IMAGES
from app.auth.guard import ORGANISATION_HEADER, authorise, check_scopes_declared, provide_caller
from app.bootstrap.opening import open_services
from app.bootstrap.services import dependencies
from app.http import docs_page
from app.http.allowed_methods import collect_methods, correct_allow
from app.http.dialect import DIALECT, Dialect
from app.http.language import provide_language
from app.http.problems import error_response, log_fault, problem_response
from app.http.security_headers import add_security_headers
from app.http.strict_json import StrictRequest
from app.http.strict_requests import (
    learn_parameters,
    refuse_unknown_parameters,
    refuse_unread_body,
)
from app.limits.rate_limit_guard import (
    add_rate_limit_headers,
    limit_address,
    limit_credential,
)
from app.openapi.config import openapi_config
from app.openapi.document import whole_document
from app.openapi.structs import StructSchemas
from app.pages.routes import GUARDED_PAGES, page_routes
from app.pages.shell.errors import PAGES, wants_page
from infra.event_store import LogUnavailable
from infra.offload import in_thread
from infra.settings.settings import Settings
from infra.telemetry.api_metrics import ApiMetrics
from infra.telemetry.exposition import Exposition
from infra.telemetry.watchdog import Watchdog

GUARDED_ROUTES = [*classic.ROUTES, *WITH_IMAGES, *WITH_GRAPHS, *OTHERS]
"""All that need a credential."""

GRAPH_BODY = 16 * 1024 * 1024
"""Largest body with a graph, in bytes: the editor's files with images in them have a few MB."""

SMALL_BODY = 64 * 1024
"""Largest body of all others, in bytes."""

GUARDS = [limit_address, authorise, limit_credential, refuse_unknown_parameters]
CORS_MAX_AGE = 86_400
ALLOWED_HEADERS = [
    "Authorization",
    ORGANISATION_HEADER,
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Prefer",
    "Range",
    "X-Figma-Plugin-ID",
]
"""Named one by one: a `*` does not cover Authorization in every browser."""

EXPOSED_HEADERS = [
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Location",
    "Idempotent-Replayed",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
]


def build_app(
    settings: Settings, metrics: ApiMetrics | None = None, watchdog: Watchdog | None = None
) -> Litestar:
    """Build the application; it connects when it starts, and counts in *metrics*.

    A *watchdog* looks after its connection.

    Raises:
        ScopeUndeclared: a route does not say which scope it needs.

    """
    check_scopes_declared([*GUARDED_ROUTES, *GUARDED_PAGES])
    counting = metrics or ApiMetrics(Exposition("api").registry)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_services(settings, counting, watchdog) as services:
            for name in services.__struct_fields__:
                app.state[name] = getattr(services, name)
            # The first request for it shall not make all others wait.
            describing = asyncio.create_task(in_thread(whole_document, app))
            yield
            await asyncio.wait([describing])

    app = Litestar(
        route_handlers=[
            *_guarded(settings.body_limit),
            # Addresses of files are passed on, and gain parameters on their way: none is refused.
            Router(path="/", route_handlers=files.ROUTES, guards=[limit_address]),
            # No limit and no guard: what a machine reports is never refused (see there).
            Router(
                path="/",
                route_handlers=callbacks.REPORTS,
                opt={DIALECT: CLASSIC},
                request_max_body_size=None,
            ),
            Router(
                path="/",
                route_handlers=[*public.ROUTES, *editor_login.ROUTES, callbacks.file_upload],
                guards=[limit_address],
                opt={DIALECT: CLASSIC},
            ),
            *health.ROUTES,
            *docs_page.ROUTES,
            *page_routes(),
        ],
        dependencies={
            **dependencies(),
            "caller": Provide(provide_caller, sync_to_thread=False),
            "language": Provide(provide_language, sync_to_thread=False),
        },
        exception_handlers={Exception: _answer_error},
        before_send=[count_answer, add_rate_limit_headers, add_security_headers, correct_allow],
        cors_config=CORSConfig(
            allow_origins=["*"],
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=CORS_MAX_AGE,
        ),
        lifespan=[lifespan],
        request_class=StrictRequest,
        request_max_body_size=SMALL_BODY,
        openapi_config=openapi_config(),
        plugins=[StructSchemas()],
        logging_config=None,
    )
    app.state.metrics = counting
    collect_methods(app)
    learn_parameters(app)
    return app


def _guarded(body_limit: int) -> Iterator[Router]:
    """Group the routes by what a body may be there."""
    groups: tuple[tuple[list[HTTPRouteHandler], int, dict[str, Any]], ...] = (
        (classic.WITH_IMAGES, body_limit, {DIALECT: CLASSIC}),
        (classic.WITH_GRAPHS, GRAPH_BODY, {DIALECT: CLASSIC}),
        (WITH_IMAGES, body_limit, {}),
        (WITH_GRAPHS, GRAPH_BODY, {}),
        (classic.OTHERS, SMALL_BODY, {DIALECT: CLASSIC}),
        (OTHERS, SMALL_BODY, {}),
    )
    for handlers, most, opt in groups:
        yield Router(
            path="/",
            route_handlers=handlers,
            opt=opt,
            guards=GUARDS,
            before_request=refuse_unread_body,
            request_max_body_size=min(most, body_limit),
        )


async def count_answer(message: Message, scope: Scope) -> None:
    """Count an answer by its status code."""
    if message["type"] == "http.response.start":
        metrics: ApiMetrics = scope["app"].state.metrics
        metrics.answered(message["status"])


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer with an error in the dialect of the route, or of the path if there is no route."""
    metrics: ApiMetrics = request.app.state.metrics
    metrics.refused(error_response(error).code)
    log_fault(request, error)
    if isinstance(error, LogUnavailable):
        request.app.state.readiness_check.check_soon()
    if dialect := _dialect(request):
        return dialect.answer_error(request, error)
    return problem_response(request, error)


def _dialect(request: Request[Any, Any, Any]) -> Dialect | None:
    """Return the dialect that a route names; None for the native one."""
    route: Any = request.scope.get("route_handler")  # there is none for an unknown path
    if route is None:
        if request.url.path.startswith(CLASSIC.prefix):
            return CLASSIC
        return PAGES if wants_page(request) else None
    named: Dialect | None = route.opt.get(DIALECT)
    return named
