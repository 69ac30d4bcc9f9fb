"""/v1/runs: make, read, list, follow and cancel runs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from litestar.response import Stream

from app.api.requests import (
    CreateRunRequest,
    IdempotencyKey,
    LastEventId,
    Prefer,
    idempotency_key,
    identifier,
    position_in,
    preferred_wait,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.api.v1.runs.event_views import run_snapshot
from app.api.v1.runs.views import RunView, run_view
from app.auth.caller import Caller
from app.auth.credentials import Credentials
from app.auth.guard import while_authorised
from app.auth.scopes import RUNS_READ, RUNS_WRITE, needs
from app.commands.recorder import Recorder
from app.commands.runs.cancel import cancel_run
from app.commands.runs.create_run import AcceptedRun, RunCreator
from app.live.broadcaster import Broadcaster
from app.live.run_stream import run_stream
from app.live.wait_for_run import RunWaiter
from app.openapi import errors, headers, response
from app.reads.runs.runs import FoundRun, RunReads
from events.aggregates import RUN
from events.batch import RunFilter
from events.envelope import AnyRecorded
from events.run.redaction import redact
from events.run.status import TERMINAL, Status

EVENT_STREAM = "text/event-stream"
SSE_HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}
"""A proxy that compresses or buffers a stream holds its events back; these ask it not to.

The last is for nginx's buffers. Compression is to be prevented by the first; Caddy, nginx and
HAProxy look at the second, and leave alone what has an encoding.
"""


@post(
    "/v1/runs",
    operation_id="createRun",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    response_headers=headers("Location", "ETag", "Idempotent-Replayed", "Preference-Applied"),
    responses=response(200, RunView, "The run, which has ended.")
    | errors("idempotency_conflict", "invalid_inputs", "too_large", "quota_exceeded"),
)
async def create(
    run_reads: NamedDependency[RunReads],
    run_creator: NamedDependency[RunCreator],
    run_waiter: NamedDependency[RunWaiter],
    caller: NamedDependency[Caller],
    data: JSONBody[CreateRunRequest],
    key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response[RunView]:
    """Accept a run. The answer means that it is on disk and will not be lost."""
    # Every header is read before anything is accepted.
    wait = preferred_wait(prefer)
    accepted = await run_creator.create(
        caller,
        deployment_id=data.deployment_id,
        inputs=data.inputs,
        origin="api",
        idempotency_key=idempotency_key(key),
    )
    return await answer_run(accepted, wait, run_reads, run_waiter)


async def answer_run(
    accepted: AcceptedRun, wait: int, run_reads: RunReads, run_waiter: RunWaiter
) -> Response[RunView]:
    """Answer with a run that was accepted, now or before; wait that many seconds for its end."""
    run, position = accepted.run, accepted.position
    headers = {"Location": f"/v1/runs/{run.id}"}
    if accepted.replayed:
        headers["Idempotent-Replayed"] = "true"
    if wait:
        run, position = await run_waiter.wait(run, position, wait)
        headers["Preference-Applied"] = f"wait={wait}"
    found = FoundRun(run=await run_reads.with_texts(run), position=position)
    return _answer(found, run_reads, headers)


@get(
    "/v1/runs/{run_id:str}",
    operation_id="getRun",
    opt=needs(RUNS_READ, per_deployment=True, ticket="run"),
    response_headers=headers("ETag"),
    responses=response(200, RunView, "The run.") | response(304, None, "Nothing has changed."),
)
async def read(
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
    at_least: FromQuery[str | None] = None,
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match")] = None,
) -> Response[Any]:
    """Read a run; with *at_least* (the position of an earlier answer) at least that new."""
    wanted = position_in(at_least, parameter="at_least") or 0
    found = await run_reads.find(caller, identifier(run_id), at_least=wanted)
    # Progress changes without an event, so a running run is always shown anew.
    tag = _etag(found.position)
    if found.progress is None and if_none_match and tag in if_none_match:
        return Response(content=b"", status_code=304, headers={"ETag": tag})
    view = run_view(found.run, found.position, run_reads.spaces, found.progress)
    return Response(content=view, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


@get("/v1/runs", operation_id="listRuns", opt=needs(RUNS_READ, per_deployment=True))
async def list_(
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
    status: FromQuery[Status | None] = None,
    deployment_id: FromQuery[UUID | None] = None,
    batch_id: FromQuery[UUID | None] = None,
) -> ListView[RunView]:
    """List runs, newest first. Lists follow the log within moments; single runs at once."""
    fits = RunFilter(status=status, deployment_id=deployment_id, batch_id=batch_id)
    return await page_of_runs(run_reads, caller, fits, limit=limit, cursor=cursor)


async def page_of_runs(
    run_reads: RunReads, caller: Caller, fits: RunFilter, *, limit: int, cursor: str | None
) -> ListView[RunView]:
    """Show a part of the caller's runs that fit a filter."""
    before = before_of(cursor)
    page = await run_reads.page_with_texts(caller, fits, limit=limit, before=before)
    return list_view(page, lambda row: run_view(row.state, row.position, run_reads.spaces))


@post(
    "/v1/runs/{run_id:str}/cancel",
    operation_id="cancelRun",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    response_headers=headers("ETag"),
    responses=response(200, RunView, "The run, which had ended or ends now."),
)
async def cancel(
    run_reads: NamedDependency[RunReads],
    recorder: NamedDependency[Recorder],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
) -> Response[RunView]:
    """Ask to stop a run. One that has ended stays as it is; asking again changes nothing."""
    found = await cancel_run(recorder, run_reads, caller, identifier(run_id))
    return _answer(found, run_reads)


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
    credentials: NamedDependency[Credentials],
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
        while_authorised(credentials, caller, stream),
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


def _answer(
    found: FoundRun, run_reads: RunReads, headers: Mapping[str, str] | None = None
) -> Response[RunView]:
    return Response(
        content=run_view(found.run, found.position, run_reads.spaces),
        status_code=200 if found.run.ended else 202,
        headers={"ETag": _etag(found.position), **(headers or {})},
    )


def _etag(position: int) -> str:
    return f'"{position}"'


ROUTES = [create, read, list_, cancel, events]
