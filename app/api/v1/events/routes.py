"""/v1/events and /v1/changes: follow a whole tenant by server-sent events."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, Any, TypeVar
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from app.api.requests import LastEventId, position_in
from app.api.v1.events.views import changes_message, events_message
from app.auth.caller import Caller
from app.auth.scopes import DEPLOY, RUNS_READ, needs
from app.auth.withdrawals import Withdrawals
from app.http.bad_request import bad
from app.live.frames import EVENT_STREAM, HELLO, SSE_HEADERS, position_message
from app.live.tenant_stream import Start, TenantStreams
from app.openapi import response
from app.reads.tenant_events import EVENT_TYPES, selection

P = TypeVar("P")

MOST_FILTERS = 100
"""Values of one filter."""

Types = Annotated[list[str] | None, QueryParameter(name="type", max_items=MOST_FILTERS)]
Deployments = Annotated[
    list[UUID] | None, QueryParameter(name="deployment_id", max_items=MOST_FILTERS)
]
Runs = Annotated[list[UUID] | None, QueryParameter(name="run_id", max_items=MOST_FILTERS)]


class Stretch(Struct, frozen=True, kw_only=True):
    """Which part of all that happens is asked for."""

    after: int | None
    """The position behind which it begins; None: now."""

    follow: bool
    """Whether it goes on, rather than ends where the log ends now."""


def stretch(
    after: FromQuery[str | None] = None,
    follow: FromQuery[bool] = True,  # noqa: FBT002 -- a parameter of the URL
    last_event_id: LastEventId = None,
) -> Stretch:
    """Read where a stream begins and whether it ends."""
    return Stretch(
        after=position_in(last_event_id or after, parameter="after"),
        follow=follow,
    )


STRETCH = {"stretch": Provide(stretch, sync_to_thread=False)}


@get(
    "/v1/events",
    operation_id="followEvents",
    media_type=EVENT_STREAM,
    dependencies=STRETCH,
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True, ticket="tenant"),
    responses=response(200, str, "The stream of server-sent events.", media_type=EVENT_STREAM),
)
async def events(
    tenant_streams: NamedDependency[TenantStreams],
    withdrawals: NamedDependency[Withdrawals],
    caller: NamedDependency[Caller],
    stretch: NamedDependency[Stretch],
    types: Types = None,
    deployments: Deployments = None,
    runs: Runs = None,
) -> Response[Any]:
    """Follow all that happens: what came after a position, or what happens from now on."""
    start = await tenant_streams.start(
        caller.tenant,
        selection(
            caller,
            types=_types(types),
            deployments=deployments or (),
            runs=runs or (),
        ),
        after=stretch.after,
        follow=stretch.follow,
    )
    messages = _messages(start, tenant_streams.events(start), events_message)
    return _stream(withdrawals, caller, messages)


@get(
    "/v1/changes",
    operation_id="followChanges",
    media_type=EVENT_STREAM,
    dependencies=STRETCH,
    opt=needs(DEPLOY, RUNS_READ, per_deployment=True, ticket="tenant"),
    responses=response(200, str, "The stream of server-sent events.", media_type=EVENT_STREAM),
)
async def changes(
    tenant_streams: NamedDependency[TenantStreams],
    withdrawals: NamedDependency[Withdrawals],
    caller: NamedDependency[Caller],
    stretch: NamedDependency[Stretch],
) -> Response[Any]:
    """Follow which things change, at most twice a second: for pages, which then read them."""
    start = await tenant_streams.start(
        caller.tenant,
        selection(caller),
        after=stretch.after,
        follow=stretch.follow,
    )
    messages = _messages(start, tenant_streams.changes(start), changes_message)
    return _stream(withdrawals, caller, messages)


def _types(wanted: Sequence[str] | None) -> Sequence[str]:
    for name in wanted or ():
        if name not in EVENT_TYPES:
            raise bad("field_option", "/type", value=name[:100])
    return wanted or ()


async def _messages(
    start: Start, pieces: AsyncGenerator[P, None], encode: Callable[[P], bytes]
) -> AsyncGenerator[bytes, None]:
    # A client has a position to resume at before the first event.
    yield HELLO + position_message(start.after)
    async with aclosing(pieces):
        async for piece in pieces:
            yield encode(piece)


def _stream(
    withdrawals: Withdrawals, caller: Caller, messages: AsyncGenerator[bytes, None]
) -> Response[Any]:
    return Stream(
        withdrawals.while_authorised(caller, messages),
        media_type=EVENT_STREAM,
        headers=SSE_HEADERS,
    )


ROUTES = [events, changes]
