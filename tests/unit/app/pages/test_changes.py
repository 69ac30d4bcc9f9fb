"""The stream of a page says that something has changed, and not what."""

from collections.abc import AsyncGenerator

from typing_extensions import override

from app.auth.caller import Caller
from app.live.tenant_stream import Changes, Start, TenantStreams
from app.pages.changes import _messages
from app.reads.tenant_events import selection


class _Streams(TenantStreams):
    """Changes that are known beforehand."""

    def __init__(self, *pieces: Changes) -> None:
        self._pieces = pieces

    @override
    async def changes(self, start: Start) -> AsyncGenerator[Changes, None]:
        for piece in self._pieces:
            yield piece


async def test_a_change_is_a_message_without_ids_and_a_heartbeat_is_none() -> None:
    caller = Caller(user_id="ada", org_id=None)
    start = Start(tenant=caller.tenant, selection=selection(caller), after=7, until=None)
    streams = _Streams(
        Changes(ids={"run": ["a secret id"]}, everything=False, position=9),
        Changes(ids={}, everything=False, position=9),
        Changes(ids={}, everything=True, position=12),
    )

    sent = [message async for message in _messages(start, streams)]

    assert sent == [
        b'retry: 2000\nid: 7\nevent: position\ndata: {"position":"7"}\n\n',
        b"id: 9\nevent: changed\ndata: {}\n\n",
        b": still here\n",
        b"id: 12\nevent: changed\ndata: {}\n\n",
    ]
