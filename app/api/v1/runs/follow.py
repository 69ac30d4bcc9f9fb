"""/v1/runs/{run_id}/events: follow a run by server-sent events."""

from collections.abc import Sequence
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from app.api.requests import LastEventId, identifier, position_in
from app.api.v1.runs.event_views import run_snapshot
from app.api.v1.runs.views import run_view
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.auth.withdrawals import Withdrawals
from app.live.broadcaster import Broadcaster
from app.live.frames import EVENT_STREAM, SSE_HEADERS
from app.live.run_stream import run_stream
from app.openapi import response
from app.reads.runs.runs import RunReads
from events.aggregates import RUN
from events.envelope import AnyRecorded
from events.run.redaction import redact
from events.run.status import TERMINAL


@get(
    "/v1/runs/{run_id:str}/events",
    operation_id="followRun",
    media_type=EVENT_STREAM,
    opt=needs(RUNS_READ, per_deployment=True, ticket="run"),
    responses=response(200, Any, "The stream of server-sent events.", media_type=EVENT_STREAM)
    | response(204, None, "The run has ended, and there is nothing after this position."),
)
async def events(
    broadcaster: NamedDependency[Broadcaster],
    withdrawals: NamedDependency[Withdrawals],
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
    after: FromQuery[str | None] = None,
    last_event_id: LastEventId = None,
) -> Response[Any]:
    """Follow a run: a snapshot or what came after a position, then everything as it happens."""
    start = position_in(last_event_id or after, parameter="after")
    past = await run_reads.events(caller, identifier(run_id))
    if start is not None and start >= past[-1].position and past[-1].status in TERMINAL:
        # Browsers reconnect for ever; this is how they are told that there is no more.
        return Response(content=b"", status_code=204)
    past = redact(past)
    stream = run_stream(
        broadcaster,
        past,
        after=start,
        snapshot=await _snapshot(run_reads, past) if start is None else b"",
        note=run_reads.recent.note,
    )
    return Stream(
        withdrawals.while_authorised(caller, stream),
        media_type=EVENT_STREAM,
        headers=SSE_HEADERS,
    )


async def _snapshot(run_reads: RunReads, past: Sequence[AnyRecorded]) -> bytes:
    """Encode the run as it is after its events."""
    run = RUN.fold(recorded.event for recorded in past)
    assert run is not None  # there are events
    position, progress = past[-1].position, await run_reads.progress(run)
    view = run_view(await run_reads.with_texts(run), position, run_reads.spaces, progress)
    return run_snapshot(view, position)


ROUTES = [events]
