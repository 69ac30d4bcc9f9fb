"""/v1/runs: create, read, list and cancel runs."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import Struct

from app.api.requests import (
    IdempotencyKey,
    Inputs,
    Moment,
    Prefer,
    idempotency_key,
    identifier,
    moment_in,
    position_in,
    preferred_wait,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.api.v1.runs.views import RunView, run_view
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, RUNS_WRITE, needs
from app.commands.runs.create_run import AcceptedRun, RunCreator
from app.commands.runs.run_changes import RunChanges
from app.live.wait_for_run import RunWaiter
from app.openapi import errors, headers, response
from app.reads.runs.runs import FoundRun, RunReads
from events.batch import RunFilter
from events.run.status import Status
from projections.queries import RunListFilter


class CreateRunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run to create."""

    deployment_id: UUID
    inputs: Inputs = {}


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
async def list_(  # noqa: PLR0913 -- a parameter for each filter
    *,
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
    status: FromQuery[Status | None] = None,
    deployment_id: FromQuery[UUID | None] = None,
    batch_id: FromQuery[UUID | None] = None,
    workflow_id: FromQuery[UUID | None] = None,
    machine_id: FromQuery[UUID | None] = None,
    since: Moment = None,
    until: Moment = None,
) -> ListView[RunView]:
    """List runs, newest first. Lists follow the log within moments; single runs at once."""
    fits = RunListFilter(
        status=status,
        deployment_id=deployment_id,
        batch_id=batch_id,
        workflow_id=workflow_id,
        machine_id=machine_id,
        since=moment_in(since, parameter="since"),
        until=moment_in(until, parameter="until"),
    )
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
    run_changes: NamedDependency[RunChanges],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
) -> Response[RunView]:
    """Ask to stop a run. One that has ended stays as it is; asking again changes nothing."""
    found = await run_changes.cancel_run(caller, identifier(run_id))
    return _answer(found, run_reads)


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


ROUTES = [create, read, list_, cancel]
