"""The command line's view of the public API: it uses nothing else."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import httpx
import msgspec
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse
from msgspec import Struct

RECONNECT_AFTER = 1.0
"""Seconds before a broken stream is taken up again."""

RECONNECTS = 30
"""How often in a row a stream may break without a word before it is given up."""

PAGE = 100

Json = dict[str, Any]


class Heard(Struct, frozen=True, kw_only=True):
    """One message of a stream."""

    event: str
    data: Json
    id: str
    """Position of the event; empty for what cannot be resumed."""


class NotComfyd(Exception):
    """Another site answers at this address: a wrong one, or one that wants a login first."""

    def __init__(self, answer: httpx.Response) -> None:
        self.url = str(answer.url.copy_with(query=None))
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        self.found = f"{answer.status_code} {answer.headers.get('Location') or kind}".strip()
        """What it said instead: the status, and where it leads to or what it is."""

        super().__init__(f"{self.url}: {self.found}")


class ApiClient:
    """One server, one token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @property
    def http(self) -> httpx.AsyncClient:
        """The connection itself, for what is no JSON."""
        return self._http

    async def is_ready(self) -> bool:
        """Whether the server accepts runs."""
        try:
            answer = await self._http.get("/health/ready")
        except httpx.TransportError:
            return False
        return answer.is_success

    async def get(self, path: str, **query: object) -> Any:
        """Give an answer's body; see send."""
        return await self.send("GET", path, query=query)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """Send a body; give the answer's. See send."""
        return await self.send("POST", path, body, headers=headers)

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a body in the place of another; see send."""
        return await self.send("PUT", path, body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change a part; see send."""
        return await self.send("PATCH", path, body)

    async def delete(self, path: str, **query: object) -> Any:
        """Remove something; see send."""
        return await self.send("DELETE", path, query=query)

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask for something; parameters that are None are left out.

        Raises:
            httpx.HTTPStatusError: the server says no.
            httpx.TransportError: it cannot be reached.
            NotComfyd: it answers, but not as comfyd does.

        """
        answer = await self._http.request(
            method,
            path,
            json=body,
            params={n: str(v) for n, v in (query or {}).items() if v is not None},
            headers={n.replace("_", "-"): v for n, v in (headers or {}).items()},
        )
        _refuse_failure(answer)
        if answer.status_code == HTTPStatus.NO_CONTENT:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise NotComfyd(answer) from error

    async def items(self, path: str, *, most: int | None = None, **query: object) -> list[Json]:
        """Give the items of a list, page by page, *most* of them at most."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            limit = PAGE if most is None else min(PAGE, most - len(found))
            page = await self.get(path, limit=limit, cursor=cursor, **query)
            found += page["data"]
            cursor = page["next_cursor"]
            if not cursor or (most is not None and len(found) >= most):
                return found

    async def follow(self, path: str, *, after: str | None = None) -> AsyncGenerator[Heard]:
        """Yield what a stream tells until it is done; a broken stream is taken up again.

        Who leaves early closes it (contextlib.aclosing).

        Raises:
            httpx.HTTPStatusError: the server says no.
            httpx.TransportError: it could not be reached again and again.
            NotComfyd: it answers, but with no stream.

        """
        last, broken = after, 0
        while True:
            try:
                async with aclosing(self._stream(path, last)) as events:
                    async for event in events:
                        broken = 0
                        last = event.id or last
                        if event.data:
                            data = msgspec.json.decode(event.data)
                            yield Heard(event=event.event, data=data, id=event.id)
                        if event.event == "done":
                            return
            except httpx.TransportError:
                if broken >= RECONNECTS:
                    raise
            broken += 1
            await asyncio.sleep(RECONNECT_AFTER)

    async def _stream(self, path: str, last: str | None) -> AsyncGenerator[ServerSentEvent]:
        headers = {"Last-Event-ID": last} if last else {}
        async with aconnect_sse(
            self._http, "GET", path, headers=headers, timeout=httpx.Timeout(60, read=None)
        ) as stream:
            if stream.response.status_code == HTTPStatus.NO_CONTENT:
                # The end had been seen before.
                yield ServerSentEvent(event="done", data="")
                return
            if stream.response.is_error:
                await stream.response.aread()
            _refuse_failure(stream.response)
            try:
                async for event in stream.aiter_sse():
                    yield event
            except SSEError as error:
                raise NotComfyd(stream.response) from error


def _refuse_failure(answer: httpx.Response) -> None:
    if answer.is_redirect:
        # comfyd leads nobody elsewhere, and a key is sent to no other address.
        raise NotComfyd(answer)
    answer.raise_for_status()
