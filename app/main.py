"""Puts the HTTP application together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide

from app import docs_page, health
from app.allowed_methods import collect_methods, tell_methods
from app.auth_guard import ORGANISATION_HEADER, admit, check_scopes_declared, provide_caller
from app.auth_setup import open_credentials
from app.batch_rows import BatchRows
from app.classic import routes as classic
from app.classic.errors import classic_error
from app.house import House, RecentWrites
from app.hub import Hub
from app.language import provide_language
from app.native import (
    batches,
    deployments,
    doctor,
    erasure,
    keys,
    machine_placement,
    machine_states,
    machines,
    me,
    organisations,
    reruns,
    runs,
    timeline,
    tokens,
    workflows,
)
from app.native.sse import event_frame, progress_message
from app.openapi.config import openapi_config
from app.openapi.docstrings import DescribedStructs
from app.problems import log_fault, problem_response
from app.quotas import Quotas
from app.rate_counter import FailoverCounter, OwnCounter, PostgresCounter
from app.rate_limit import RateLimit
from app.rate_limit_guard import limit_address, limit_credential, tell_standing
from app.run_rows import RunRows
from app.security_headers import add_security_headers
from app.strict_json import StrictRequest
from app.texts import Texts
from infra import clock
from infra.given_up_keys import GivenUpKeys
from infra.jetstream_event_store import JetStreamEventStore
from infra.live import Live
from infra.log_group import LogGroups
from infra.log_health import LogCheck
from infra.nats_connection import connected
from infra.object_storage import open_object_storage
from infra.postgres import open_pool
from infra.private_data import PrivateData
from infra.sealing import Sealer
from infra.settings import Settings
from infra.work_queue import WorkQueue

GUARDED_ROUTES = [
    *classic.ROUTES,
    *runs.ROUTES,
    *batches.ROUTES,
    *reruns.ROUTES,
    *timeline.ROUTES,
    *erasure.ROUTES,
    *machines.ROUTES,
    *machine_states.ROUTES,
    *machine_placement.ROUTES,
    *workflows.ROUTES,
    *deployments.ROUTES,
    *keys.ROUTES,
    *tokens.ROUTES,
    *organisations.ROUTES,
    *doctor.ROUTES,
    *me.ROUTES,
]
"""All that need a credential."""

GUARDS = [limit_address, admit, limit_credential]
POOL_SIZE = 8
CORS_MAX_AGE = 86_400
ALLOWED_HEADERS = [
    "Authorization",
    ORGANISATION_HEADER,
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "X-Figma-Plugin-ID",
]
"""Named one by one: a `*` does not cover Authorization in every browser."""

EXPOSED_HEADERS = [
    "ETag",
    "Location",
    "Idempotent-Replayed",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
]


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
        store = JetStreamEventStore(client)
        private = PrivateData(client)
        credentials = await exits.enter_async_context(open_credentials(settings, store, pool))
        counter = FailoverCounter(PostgresCounter(pool), OwnCounter())
        yield House(
            settings=settings,
            store=store,
            private=private,
            texts=Texts(private),
            given_up=GivenUpKeys(client),
            storage=storage,
            pool=pool,
            run_rows=RunRows(pool),
            batch_rows=BatchRows(pool),
            log_groups=LogGroups(client),
            hub=hub,
            log_check=LogCheck(client),
            sealer=Sealer(settings.seal_keys),
            work=WorkQueue(client),
            credentials=credentials,
            recent=RecentWrites(),
            address_limit=RateLimit("address", settings.address_limit, counter),
            credential_limit=RateLimit("default", settings.rate_limit, counter),
            quotas=Quotas(
                pool,
                store,
                in_flight=settings.runs_in_flight,
                per_day=settings.runs_per_day,
                now=clock.now,
            ),
            now=clock.now,
            new_id=clock.new_id,
        )


def build_app(settings: Settings) -> Litestar:
    """Build the application; it connects when it starts.

    Raises:
        ScopeUndeclared: a route does not say which scope it needs.

    """
    check_scopes_declared(GUARDED_ROUTES)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_house(settings) as house:
            app.state.house = house
            app.state.parts = health.shared_parts()
            yield

    app = Litestar(
        route_handlers=[
            Router(path="/", route_handlers=GUARDED_ROUTES, guards=GUARDS),
            *health.ROUTES,
            *docs_page.ROUTES,
        ],
        dependencies={
            "house": Provide(_house, sync_to_thread=False),
            "caller": Provide(provide_caller, sync_to_thread=False),
            "language": Provide(provide_language, sync_to_thread=False),
        },
        exception_handlers={Exception: _answer_error},
        before_send=[tell_standing, add_security_headers, tell_methods],
        cors_config=CORSConfig(
            allow_origins=["*"],
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=CORS_MAX_AGE,
        ),
        lifespan=[lifespan],
        request_class=StrictRequest,
        request_max_body_size=settings.body_limit,
        openapi_config=openapi_config(),
        plugins=[DescribedStructs()],
        logging_config=None,
    )
    collect_methods(app)
    return app


def _house(state: State) -> House:
    house: House = state.house
    return house


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Tell an error in the words of the dialect that was spoken."""
    log_fault(request, error)
    if request.url.path.startswith("/api/"):
        return classic_error(request, error)
    return problem_response(request, error)
