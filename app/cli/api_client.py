"""The command line's view of the public API: it uses nothing else."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import msgspec
from httpx_sse import aconnect_sse


class ApiClient:
    """One server, one token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def is_ready(self) -> bool:
        """Whether the server accepts runs."""
        try:
            answer = await self._http.get("/health/ready")
        except httpx.TransportError:
            return False
        return answer.is_success

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a body; give the answer's.

        Raises:
            httpx.HTTPStatusError: the server says no.

        """
        return _body(await self._http.post(path, json=body))

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a body in the place of another; see post."""
        return _body(await self._http.put(path, json=body))

    async def get(self, path: str) -> Any:
        """Give an answer's body; see post."""
        return _body(await self._http.get(path))

    async def follow(self, run_id: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield what happens to a run, by name, until it is done."""
        path = f"/v1/runs/{run_id}/events"
        async with aconnect_sse(self._http, "GET", path, timeout=None) as stream:
            async for event in stream.aiter_sse():
                if not event.data:
                    continue
                yield event.event, msgspec.json.decode(event.data)
                if event.event == "done":
                    return


def _body(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()
