"""What the tests of a tenant's streams have in common: clients of them, and what they read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.e2e.sse import Message, Stream, following_at
from tests.e2e.tenant import Tenant


@asynccontextmanager
async def following_events(
    http: httpx.AsyncClient, *, path: str = "/v1/events", **params: Any
) -> AsyncIterator[Stream]:
    query = str(httpx.QueryParams(params))
    async with following_at(http, f"{path}?{query}" if query else path) as stream:
        yield stream


async def whole(http: httpx.AsyncClient, **params: Any) -> list[Message]:
    """Return every event that there is."""
    async with following_events(http, follow="false", **({"after": "0"} | params)) as stream:
        assert stream.answer.status_code == 200, await stream.answer.aread()
        first, *events, last = await stream.rest()
    assert (first.event, last.event) == ("position", "position")
    return events


def names(messages: list[Message]) -> list[str]:
    return [message.event for message in messages]


@asynccontextmanager
async def client_of_key(
    tenant: Tenant, headers: Mapping[str, str], *, url: str = ""
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client with another credential, or at another process."""
    base, sent = url or tenant.http.base_url, {"Authorization": headers["Authorization"]}
    async with httpx.AsyncClient(base_url=base, headers=sent, timeout=20, trust_env=False) as http:
        yield http
