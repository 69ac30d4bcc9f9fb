"""/v1/batches: make, read, list, follow and cancel many runs under one id."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from app.api.v1.batch_views import (
    AcceptedBatchView,
    BatchView,
    SkippedView,
    accepted_view,
    batch_view,
    piece_messages,
    snapshot_message,
)
from app.api.v1.paging import DEFAULT_LIMIT, Limit, ListView, before_of, list_view
from app.api.v1.requests import (
    CreateBatchRequest,
    IdempotencyKey,
    LastEventId,
    idempotency_key,
    identifier,
    position_in,
)
from app.api.v1.run_views import RunView
from app.api.v1.runs import EVENT_STREAM, SSE_HEADERS, page_of_runs
from app.auth.caller import Caller
from app.auth.guard import while_authorised
from app.auth.scopes import RUNS_READ, RUNS_WRITE, needs
from app.batch_standing import Standing, Tally, standing_of
from app.commands.create_batch import AcceptedBatch, BatchCreator
from app.commands.recorder import Recorder
from app.find_batch import batch_session, find_batch, standing_in_log
from app.house import House
from app.live.batch_stream import Start, follow_batch, start_at
from app.live.frames import HELLO
from app.openapi import errors, headers, response
from app.reads.runs import RunReads
from events.batch import CancelBatch, RunFilter
from infra.batch_runs import carry_out
from infra.event_store import LogUnavailable, VersionConflict
from projections.queries import count_batches, list_batches, position

log = logging.getLogger(__name__)


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
    house: NamedDependency[House],
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
    return await answer_accepted(house, caller, accepted)


async def answer_accepted(
    house: House, caller: Caller, accepted: AcceptedBatch, skipped: list[SkippedView] | None = None
) -> Response[AcceptedBatchView]:
    """Answer with a batch that was accepted, now or before."""
    headers = {"Location": f"/v1/batches/{accepted.batch.id}"}
    if accepted.replayed:
        headers["Idempotent-Replayed"] = "true"
        standing = await find_batch(house, caller, accepted.batch.id)
    else:
        # Not asked for: a log that does not answer now must not make it look refused.
        standing = Tally(accepted.batch).standing(accepted.position)
    return Response(accepted_view(standing, skipped or []), status_code=202, headers=headers)


@get("/v1/batches", operation_id="listBatches", opt=needs(RUNS_READ, per_deployment=True))
async def list_(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[BatchView]:
    """List batches, newest first. Lists follow the log within moments; single batches at once."""
    async with house.pool.connection() as connection:
        read_at = await position(connection)
        page = await list_batches(
            connection,
            tenant=caller.tenant,
            limit=limit,
            before=before_of(cursor),
            only=caller.deployments,
        )
        counts = await count_batches(connection, [row.id for row in page.rows])
    return list_view(page, lambda row: batch_view(standing_of(row.state, counts[row.id], read_at)))


@get(
    "/v1/batches/{batch_id:str}",
    operation_id="getBatch",
    opt=needs(RUNS_READ, per_deployment=True, ticket="batch"),
)
async def read(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
    at_least: FromQuery[str | None] = None,
) -> BatchView:
    """Read where a batch stands; with *at_least* (an earlier position) at least that new."""
    wanted = position_in(at_least, parameter="at_least") or 0
    return batch_view(await find_batch(house, caller, identifier(batch_id), at_least=wanted))


@get(
    "/v1/batches/{batch_id:str}/runs",
    operation_id="listBatchRuns",
    opt=needs(RUNS_READ, per_deployment=True),
)
async def runs(
    house: NamedDependency[House],
    run_reads: NamedDependency[RunReads],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
    limit: Limit = DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ListView[RunView]:
    """List the runs of a batch."""
    found = await find_batch(house, caller, identifier(batch_id))
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
    house: NamedDependency[House], caller: NamedDependency[Caller], batch_id: FromPath[str]
) -> Response[BatchView]:
    """Ask to stop all runs of a batch. Those that have ended stay as they are."""
    identity = identifier(batch_id)
    standing = await standing_in_log(house, caller, identity)
    if not standing.done:
        session = await batch_session(house, caller, identity)
        command = CancelBatch(by=caller.actor, now=house.now())
        await session.execute(
            command, Recorder(store=house.store, now=house.now, new_id=house.new_id).meta(caller)
        )
        try:
            await carry_out(house.store, identity, house.now)
        except (LogUnavailable, VersionConflict) as error:
            log.warning("batch.left_to_workers", extra={"error": str(error)})
        standing = await standing_in_log(house, caller, identity)
    return Response(batch_view(standing), status_code=200 if standing.done else 202)


@get(
    "/v1/batches/{batch_id:str}/events",
    operation_id="followBatch",
    media_type=EVENT_STREAM,
    opt=needs(RUNS_READ, per_deployment=True, ticket="batch"),
    responses=response(200, str, "The stream of server-sent events.", media_type=EVENT_STREAM)
    | response(204, None, "Every run has ended, and there is nothing after this position."),
)
async def events(
    house: NamedDependency[House],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
    after: FromQuery[str | None] = None,
    last_event_id: LastEventId = None,
) -> Response[Any]:
    """Follow all runs of a batch: a snapshot or what came after a position, then what happens."""
    at = position_in(last_event_id or after, parameter="after")
    session = await batch_session(house, caller, identifier(batch_id))
    start = await start_at(house.log_groups, house.store, session.existing, at)
    if at is not None and start.standing.done:
        return Response(content=b"", status_code=204)
    messages = _messages(house, start, snapshot=at is None)
    return Stream(
        while_authorised(house.credentials, caller, messages),
        media_type=EVENT_STREAM,
        headers=SSE_HEADERS,
    )


async def _messages(house: House, start: Start, *, snapshot: bool) -> AsyncGenerator[bytes, None]:
    _promise(house, start.standing)
    yield HELLO + snapshot_message(start.standing) if snapshot else HELLO
    if start.standing.done:
        return
    with house.metrics.batch_stream():
        async with aclosing(follow_batch(house.broadcaster, start)) as pieces:
            async for piece in pieces:
                if piece.counts is not None:
                    _promise(house, piece.counts)
                yield piece_messages(piece)


def _promise(house: House, standing: Standing) -> None:
    """Whoever was told something here is not told anything older by the other doors."""
    house.recent_batches.note(standing.batch.id, standing.position)


ROUTES = [create, list_, read, runs, cancel, events]
