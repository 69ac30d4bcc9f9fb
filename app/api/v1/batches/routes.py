"""/v1/batches: create, read, list and cancel many runs under one id."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from app.api.requests import IdempotencyKey, Inputs, idempotency_key, identifier, position_in
from app.api.v1.batches.views import (
    AcceptedBatchView,
    BatchView,
    SkippedView,
    accepted_view,
    batch_view,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.api.v1.runs.routes import page_of_runs
from app.api.v1.runs.views import RunView
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, RUNS_WRITE, needs
from app.commands.runs.create_batch import AcceptedBatch, BatchCreator
from app.commands.runs.run_changes import RunChanges
from app.openapi import errors, headers, response
from app.reads.runs.batch_status import Tally, status_of
from app.reads.runs.batches import BatchReads
from app.reads.runs.runs import RunReads
from events.batch import MAX_RUNS, RunFilter


class CreateBatchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many runs of one deployment to create, all or none."""

    deployment_id: UUID
    inputs: Annotated[
        list[Inputs],
        Meta(min_length=1, max_length=MAX_RUNS, description="The inputs of each run."),
    ]


@post(
    "/v1/batches",
    operation_id="createBatch",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    response_headers=headers("Location", "Idempotent-Replayed"),
    responses=errors(
        "idempotency_conflict", "invalid_inputs", "not_found", "quota_exceeded", "too_large"
    ),
)
async def create(
    batch_reads: NamedDependency[BatchReads],
    batch_creator: NamedDependency[BatchCreator],
    caller: NamedDependency[Caller],
    data: JSONBody[CreateBatchRequest],
    key: IdempotencyKey = None,
) -> Response[AcceptedBatchView]:
    """Accept many runs of a deployment, all or none. The answer means that none will be lost."""
    accepted = await batch_creator.create(
        caller,
        deployment_id=data.deployment_id,
        inputs=data.inputs,
        idempotency_key=idempotency_key(key),
    )
    return await answer_accepted(batch_reads, caller, accepted)


async def answer_accepted(
    batch_reads: BatchReads,
    caller: Caller,
    accepted: AcceptedBatch,
    skipped: list[SkippedView] | None = None,
) -> Response[AcceptedBatchView]:
    """Answer with a batch that was accepted, now or before."""
    headers = {"Location": f"/v1/batches/{accepted.batch.id}"}
    if accepted.replayed:
        headers["Idempotent-Replayed"] = "true"
        status = await batch_reads.find(caller, accepted.batch.id)
    else:
        # Not asked for: a log that does not answer now must not make it look refused.
        status = Tally(accepted.batch).status(accepted.position)
    return Response(accepted_view(status, skipped or []), status_code=202, headers=headers)


@get("/v1/batches", operation_id="listBatches", opt=needs(RUNS_READ, per_deployment=True))
async def list_(
    batch_reads: NamedDependency[BatchReads],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[BatchView]:
    """List batches, newest first. Lists follow the log within moments; single batches at once."""
    found = await batch_reads.page(caller, limit=limit, before=before_of(cursor))
    counts, position = found.counts, found.position
    return list_view(
        found.page, lambda row: batch_view(status_of(row.state, counts[row.id], position))
    )


@get(
    "/v1/batches/{batch_id:str}",
    operation_id="getBatch",
    opt=needs(RUNS_READ, per_deployment=True, ticket="batch"),
)
async def read(
    batch_reads: NamedDependency[BatchReads],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
    at_least: FromQuery[str | None] = None,
) -> BatchView:
    """Read the status of a batch; with *at_least* (an earlier position) at least that new."""
    wanted = position_in(at_least, parameter="at_least") or 0
    return batch_view(await batch_reads.find(caller, identifier(batch_id), at_least=wanted))


@get(
    "/v1/batches/{batch_id:str}/runs",
    operation_id="listBatchRuns",
    opt=needs(RUNS_READ, per_deployment=True),
)
async def runs(
    batch_reads: NamedDependency[BatchReads],
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[RunView]:
    """List the runs of a batch."""
    found = await batch_reads.find(caller, identifier(batch_id))
    fits = RunFilter(batch_id=found.batch.id)
    return await page_of_runs(run_reads, caller, fits, limit=limit, cursor=cursor)


@post(
    "/v1/batches/{batch_id:str}/cancel",
    operation_id="cancelBatch",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    responses=response(200, BatchView, "The batch, of which every run has ended."),
)
async def cancel(
    run_changes: NamedDependency[RunChanges],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
) -> Response[BatchView]:
    """Ask to stop all runs of a batch. Those that have ended stay as they are."""
    status = await run_changes.cancel_batch(caller, identifier(batch_id))
    return Response(batch_view(status), status_code=200 if status.done else 202)


ROUTES = [create, list_, read, runs, cancel]
