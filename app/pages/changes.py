"""The one connection of an open page: it says that something has changed, and the page reads it.

No data is in it: what a page shows, in which language and with which rights, is what its next
request is answered.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Stream

from app.auth.caller import Caller
from app.auth.scopes import RUNS_READ, needs
from app.auth.withdrawals import Withdrawals
from app.live.frames import BEAT, EVENT_STREAM, HELLO, SSE_HEADERS, message, position_message
from app.live.tenant_stream import Start, TenantStreams
from app.reads.tenant_events import selection


@get("/changes", media_type=EVENT_STREAM, opt=needs(RUNS_READ, per_deployment=True))
async def changes(
    page_caller: NamedDependency[Caller],
    withdrawals: NamedDependency[Withdrawals],
    tenant_streams: NamedDependency[TenantStreams],
) -> Response[Any]:
    """Send `changed` when something has changed, at most twice a second.

    It begins now: a page reads everything once it is connected, so it misses nothing before.
    """
    start = await tenant_streams.start(
        page_caller.tenant, selection(page_caller), after=None, follow=True
    )
    messages = _messages(start, tenant_streams)
    return Stream(
        withdrawals.while_authorised(page_caller, messages),
        media_type=EVENT_STREAM,
        headers=SSE_HEADERS,
    )


async def _messages(start: Start, streams: TenantStreams) -> AsyncGenerator[bytes, None]:
    yield HELLO + position_message(start.after)
    async with aclosing(streams.changes(start)) as pieces:
        async for piece in pieces:
            yield message("changed", b"{}", position=piece.position) if piece.any else BEAT


ROUTES = [changes]
