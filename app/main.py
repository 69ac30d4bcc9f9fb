"""Puts the HTTP application together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.config.cors import CORSConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from app import health
from app.auth import Caller, Tokens
from app.classic import routes as classic
from app.classic.errors import classic_error
from app.house import House, RecentWrites
from app.hub import Hub
from app.native import deployments, machines, runs, workflows
from app.native.sse import event_frame, progress_message
from app.problems import log_fault, problem_response
from app.run_rows import RunRows
from infra import clock
from infra.jetstream_event_store import JetStreamEventStore
from infra.live import Live
from infra.nats_connection import connected
from infra.object_storage import open_object_storage
from infra.postgres import open_pool
from infra.run_inputs import RunInputs
from infra.settings import Settings

POOL_SIZE = 8
CORS_MAX_AGE = 86_400
ALLOWED_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "X-Figma-Plugin-ID",
]
"""Named one by one: a `*` does not cover Authorization in every browser."""

EXPOSED_HEADERS = ["ETag", "Location", "Idempotent-Replayed", "Preference-Applied", "Retry-After"]


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Connect to everything the doors work with; waits for NATS, not for Postgres."""
    async with AsyncExitStack() as exits:
        client = await exits.enter_async_context(connected(settings.nats_url, name="api"))
        storage = await exits.enter_async_context(open_object_storage(settings.spaces))
        pool = await exits.enter_async_context(open_pool(settings.postgres_url, size=POOL_SIZE))
        hub = Hub(
            Live(client),
            frame_of=partial(event_frame, spaces=settings.spaces),
            progress_of=progress_message,
        )
        await exits.enter_async_context(hub.attending())
        yield House(
            settings=settings,
            store=JetStreamEventStore(client),
            inputs=RunInputs(client),
            storage=storage,
            pool=pool,
            run_rows=RunRows(pool),
            hub=hub,
            tokens=Tokens(settings.jwt_secret),
            recent=RecentWrites(),
            now=clock.now,
            new_id=clock.new_id,
        )


def build_app(settings: Settings) -> Litestar:
    """Build the application; it connects when it starts."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_house(settings) as house:
            app.state.house = house
            yield

    return Litestar(
        route_handlers=[
            Router(
                path="/",
                route_handlers=[
                    *classic.ROUTES,
                    *runs.ROUTES,
                    *machines.ROUTES,
                    *workflows.ROUTES,
                    *deployments.ROUTES,
                ],
                guards=[_authenticated],
            ),
            *health.ROUTES,
        ],
        dependencies={
            "house": Provide(_house, sync_to_thread=False),
            "caller": Provide(_caller, sync_to_thread=False),
        },
        exception_handlers={Exception: _answer_error},
        cors_config=CORSConfig(
            allow_origins=["*"],
            allow_methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=CORS_MAX_AGE,
        ),
        lifespan=[lifespan],
        request_max_body_size=settings.body_limit,
        openapi_config=OpenAPIConfig(
            title="comfyd", version="1", path="/openapi", render_plugins=[JsonRenderPlugin()]
        ),
        logging_config=None,
    )


def _house(state: State) -> House:
    house: House = state.house
    return house


async def _authenticated(connection: ASGIConnection[Any, Any, Any, Any], _: object) -> None:
    """Find out who is calling, before anything else of the request is looked at.

    Async without need: the framework would run it in a thread, which costs more than all the rest.
    """
    authorization = connection.headers.get("authorization", "")
    if not authorization and connection.url.path.endswith("/events"):
        # A browser's EventSource cannot send headers (RFC 6750 §2.3 has the parameter for this).
        authorization = f"Bearer {connection.query_params.get('access_token', '')}"
    house: House = connection.app.state.house
    connection.state.caller = house.tokens.caller(authorization)


def _caller(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Caller:  # noqa: ARG001 -- see below
    # Asked for after the house, though it needs nothing of it: what could be resolved side by
    # side, the framework resolves in a task group, which costs more than both.
    caller: Caller = request.state.caller
    return caller


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Tell an error in the words of the dialect that was spoken."""
    log_fault(request, error)
    if request.url.path.startswith("/api/"):
        return classic_error(request, error)
    return problem_response(request, error)
