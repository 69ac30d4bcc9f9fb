"""/v1/batches/{batch_id}/events: follow all runs of a batch by server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from app.api.requests import LastEventId, identifier, position_in
from app.api.v1.batches.views import piece_messages, snapshot_message
from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.auth.withdrawals import Withdrawals
from app.live.batch_stream import BatchPiece, BatchStreams, Start
from app.live.frames import EVENT_STREAM, HELLO, SSE_HEADERS
from app.openapi import response
from app.reads.runs.batches import BatchReads


@get(
    "/v1/batches/{batch_id:str}/events",
    operation_id="followBatch",
    media_type=EVENT_STREAM,
    opt=needs(RUNS_READ, per_deployment=True, ticket="batch"),
    responses=response(200, str, "The stream of server-sent events.", media_type=EVENT_STREAM)
    | response(204, None, "Every run has ended, and there is nothing after this position."),
)
async def events(
    batch_reads: NamedDependency[BatchReads],
    batch_streams: NamedDependency[BatchStreams],
    withdrawals: NamedDependency[Withdrawals],
    caller: NamedDependency[Caller],
    batch_id: FromPath[str],
    after: FromQuery[str | None] = None,
    last_event_id: LastEventId = None,
) -> Response[Any]:
    """Follow all runs of a batch: a snapshot or what came after a position, then what happens."""
    at = position_in(last_event_id or after, parameter="after")
    batch = (await batch_reads.session(caller, identifier(batch_id))).existing
    start = await batch_streams.start(batch, at)
    if at is not None and start.status.done:
        return Response(content=b"", status_code=204)
    messages = _messages(start, batch_streams.follow(start), snapshot=at is None)
    return Stream(
        withdrawals.while_authorised(caller, messages),
        media_type=EVENT_STREAM,
        headers=SSE_HEADERS,
    )


async def _messages(
    start: Start, pieces: AsyncGenerator[BatchPiece, None], *, snapshot: bool
) -> AsyncGenerator[bytes, None]:
    yield HELLO + snapshot_message(start.status) if snapshot else HELLO
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece_messages(piece)


ROUTES = [events]
