"""/v1/runs/…/rerun: repeat one run, or all that a filter finds."""

from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from app.api.requests import (
    IdempotencyKey,
    Inputs,
    Prefer,
    idempotency_key,
    identifier,
    preferred_wait,
)
from app.api.v1.batches.routes import answer_accepted
from app.api.v1.batches.views import AcceptedBatchView, SkippedView
from app.api.v1.runs.routes import answer_run
from app.api.v1.runs.views import RunView
from app.auth.caller import Caller
from app.auth.scopes import RUNS_WRITE, needs
from app.commands.runs.rerun import Reruns, Skipped
from app.commands.runs.resolve_rerun import Version
from app.http.bad_request import bad
from app.live.wait_for_run import RunWaiter
from app.openapi import errors, headers, response
from app.reads.runs.batches import BatchReads
from app.reads.runs.runs import RunReads
from events.batch import MAX_RUNS, RunFilter


class RerunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to repeat a run."""

    inputs: Annotated[
        Inputs,
        Meta(description="Instead of those it had; null puts the default in the place of a value."),
    ] = {}

    version: Version = Version.SAME


class RunFilterRequest(RunFilter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs to repeat: those that fit every field; at least one field is required."""


class RerunManyRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs to repeat, and how."""

    filter: RunFilterRequest
    limit: Annotated[int, Meta(ge=1, le=MAX_RUNS)] = 100
    version: Version = Version.SAME
    dry_run: Annotated[bool, Meta(description="Return how many it would be, and do nothing.")] = (
        False
    )


class RerunPlanView(Struct, frozen=True, kw_only=True):
    """What repeating all that a filter finds would do."""

    total: Annotated[int, Meta(description="Runs that would be created.")]

    has_more: Annotated[
        bool, Meta(description="Whether more runs fit the filter than the limit allows.")
    ]

    skipped: list[SkippedView]


@post(
    "/v1/runs/{run_id:str}/rerun",
    operation_id="rerunRun",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    response_headers=headers("Location", "ETag", "Idempotent-Replayed", "Preference-Applied"),
    responses=response(200, RunView, "The run, which has ended.")
    | errors("not_found", "idempotency_conflict", "inputs_erased", "invalid_inputs", "too_large"),
)
async def one(
    run_waiter: NamedDependency[RunWaiter],
    run_reads: NamedDependency[RunReads],
    reruns: NamedDependency[Reruns],
    caller: NamedDependency[Caller],
    run_id: FromPath[str],
    data: JSONBody[RerunRequest],
    key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response[RunView]:
    """Repeat a run with the inputs it had, or with others in the place of some."""
    wait = preferred_wait(prefer)
    accepted = await reruns.one(
        caller,
        identifier(run_id),
        inputs=data.inputs,
        version=data.version,
        idempotency_key=idempotency_key(key),
    )
    return await answer_run(accepted, wait, run_reads, run_waiter)


@post(
    "/v1/runs/rerun",
    operation_id="rerunRuns",
    status_code=202,
    opt=needs(RUNS_WRITE, per_deployment=True),
    response_headers=headers("Location", "Idempotent-Replayed"),
    responses=response(200, RerunPlanView, "What it would do, for a dry run.")
    | errors("idempotency_conflict", "nothing_to_rerun", "quota_exceeded", "too_large"),
)
async def many(
    batch_reads: NamedDependency[BatchReads],
    reruns: NamedDependency[Reruns],
    caller: NamedDependency[Caller],
    data: JSONBody[RerunManyRequest],
    key: IdempotencyKey = None,
) -> Response[AcceptedBatchView]:
    """Repeat the newest runs that fit a filter, as a batch; a dry run returns how many."""
    fits = RunFilter(**msgspec.structs.asdict(data.filter))
    if fits == RunFilter():
        raise bad("filter_empty", "/filter")
    if data.dry_run:
        return await _plan(reruns, caller, fits, data)
    accepted, skipped = await reruns.many(
        caller,
        fits,
        limit=data.limit,
        version=data.version,
        idempotency_key=idempotency_key(key),
    )
    return await answer_accepted(batch_reads, caller, accepted, [_skipped_view(s) for s in skipped])


async def _plan(
    reruns: Reruns, caller: Caller, fits: RunFilter, data: RerunManyRequest
) -> Response[Any]:
    found = await reruns.select(caller, fits, limit=data.limit, version=data.version)
    plan = RerunPlanView(
        total=len(found.reruns),
        has_more=found.has_more,
        skipped=[_skipped_view(skipped) for skipped in found.skipped],
    )
    return Response(plan, status_code=200)


def _skipped_view(skipped: Skipped) -> SkippedView:
    reason = skipped.reason
    return SkippedView(run_id=skipped.run_id, code=reason.code, detail=str(reason))


ROUTES = [one, many]
