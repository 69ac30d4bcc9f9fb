"""Client of the public API: requests, lists page by page, streams that are resumed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx
from httpx_sse import SSEError, aconnect_sse
from msgspec import Struct

RECONNECT_AFTER = 1.0
"""Seconds before a broken stream is resumed."""

RECONNECTS = 30
"""Number of connections in a row that may break without an event before a stream fails."""

TRIES = 4
"""Number of times that a request is sent which the server asks to repeat a little later."""

PAGE = 100

Json = dict[str, Any]


class StreamEvent(Struct, frozen=True, kw_only=True):
    """One message of a stream."""

    event: str
    data: Json
    id: str
    """Position of the event; empty for what cannot be resumed."""


class NotComfyd(Exception):
    """Another site answers at this address: a wrong one, or one that wants a login first."""

    def __init__(self, answer: httpx.Response, missing: str = "") -> None:
        self.url = str(answer.url.copy_with(query=None))
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        detail = answer.headers.get("Location") or (f"{kind}, no '{missing}'" if missing else kind)
        self.found = f"{answer.status_code} {detail}".strip()
        """Its answer: the status, and where it redirects to, its media type, or what it lacks."""

        super().__init__(f"{self.url}: {self.found}")


class _Object(Json):
    """A JSON object of an answer; a missing field means that the server is not comfyd."""

    def __init__(self, fields: Json, answer: httpx.Response) -> None:
        super().__init__(fields)
        self._answer = answer

    def __missing__(self, name: str) -> Any:
        raise NotComfyd(self._answer, name)


def _object(text: str | bytes, answer: httpx.Response) -> Json:
    """Parse a JSON object, which every answer of comfyd is.

    Raises:
        NotComfyd: it is something else.

    """
    try:
        found = json.loads(text, object_hook=partial(_Object, answer=answer))
    except (ValueError, RecursionError) as error:
        raise NotComfyd(answer) from error
    if not isinstance(found, _Object):
        raise NotComfyd(answer)
    return found


class ApiClient:
    """HTTP client for one server and one token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @property
    def http(self) -> httpx.AsyncClient:
        """The HTTP client itself, for what is not JSON."""
        return self._http

    async def is_ready(self) -> bool:
        """Whether the server accepts runs."""
        try:
            answer = await self._http.get("/health/ready")
        except httpx.TransportError:
            return False
        return answer.is_success

    async def get(self, path: str, **query: object) -> Json:
        """Return an answer's body; see send."""
        return await self.send("GET", path, query=query)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Json:
        """Send a body and return the answer's; see send."""
        return await self.send("POST", path, body, headers=headers)

    async def put(self, path: str, body: Mapping[str, Any]) -> Json:
        """Send a body in the place of another; see send."""
        return await self.send("PUT", path, body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        """Change a part; see send."""
        return await self.send("PATCH", path, body)

    async def delete(self, path: str, **query: object) -> Json:
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
    ) -> Json:
        """Send a request and return the JSON; None is left out of the query, no content is {}.

        While the server cannot answer just now, what may be repeated is: a GET, or a request with
        an idempotency key.

        Raises:
            httpx.HTTPStatusError: the server refuses, or could not answer several times.
            httpx.TransportError: it cannot be reached.
            NotComfyd: it answers, but not as comfyd does.

        """
        answer = await self._answer(method, path, body, query=query, headers=headers)
        if answer.status_code == HTTPStatus.NO_CONTENT:
            return {}
        return _object(answer.content, answer)

    async def _answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        request = self._http.build_request(
            method,
            path,
            json=body,
            # An empty mapping would take the query out of *path*.
            params={n: str(v) for n, v in (query or {}).items() if v is not None} or None,
            headers={n.replace("_", "-"): v for n, v in (headers or {}).items()},
        )
        may_repeat = method == "GET" or "Idempotency-Key" in request.headers
        answer = await self._http.send(request)
        for _ in range(TRIES - 1):
            if not (may_repeat and _comes_back(answer)):
                break
            await asyncio.sleep(float(answer.headers["Retry-After"]))
            answer = await self._http.send(request)
        _refuse_failure(answer)
        return answer

    async def items(self, path: str, *, most: int | None = None, **query: object) -> list[Json]:
        """Return the items of a list, page by page, *most* of them at most."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            limit = PAGE if most is None else min(PAGE, most - len(found))
            page = await self._page(path, limit=limit, cursor=cursor, **query)
            found += page["data"]
            cursor = page["next_cursor"]
            if not cursor or (most is not None and len(found) >= most):
                return found

    async def _page(self, path: str, **query: object) -> Json:
        answer = await self._answer("GET", path, query=query)
        page = _object(answer.content, answer)
        items = page["data"]
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise NotComfyd(answer, "data")
        return page

    async def follow(self, path: str, *, after: str | None = None) -> AsyncGenerator[StreamEvent]:
        """Yield the events of a stream until it is done; a broken stream is resumed.

        A caller that stops early closes it (contextlib.aclosing).

        Raises:
            httpx.HTTPStatusError: the server refuses, or could not answer many times in a row.
            httpx.TransportError: it could not be reached many times in a row.
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
                            yield event
                        if event.event == "done":
                            return
            except httpx.HTTPStatusError as error:
                if broken >= RECONNECTS or not _comes_back(error.response):
                    raise
            except httpx.TransportError:
                if broken >= RECONNECTS:
                    raise
            broken += 1
            await asyncio.sleep(RECONNECT_AFTER)

    async def _stream(self, path: str, last: str | None) -> AsyncGenerator[StreamEvent]:
        headers = {"Last-Event-ID": last} if last else {}
        async with aconnect_sse(
            self._http, "GET", path, headers=headers, timeout=httpx.Timeout(60, read=None)
        ) as stream:
            if stream.response.status_code == HTTPStatus.NO_CONTENT:
                # The end had been seen before.
                yield StreamEvent(event="done", data={}, id="")
                return
            if stream.response.is_error:
                await stream.response.aread()
            _refuse_failure(stream.response)
            try:
                async for event in stream.aiter_sse():
                    data = _object(event.data, stream.response) if event.data else {}
                    yield StreamEvent(event=event.event, data=data, id=event.id)
            except SSEError as error:
                raise NotComfyd(stream.response) from error


def _comes_back(answer: httpx.Response) -> bool:
    """Return whether comfyd cannot answer just now: the log elects a leader, a disk stands still.

    A proxy's 503 has no Retry-After.
    """
    delay = answer.headers.get("Retry-After", "")
    return answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and delay.isdecimal()


def _refuse_failure(answer: httpx.Response) -> None:
    if answer.is_redirect:
        # comfyd does not redirect, and a key is sent to no other address.
        raise NotComfyd(answer)
    answer.raise_for_status()
