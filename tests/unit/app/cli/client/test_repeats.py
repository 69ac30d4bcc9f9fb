"""The client comes back where the server asks it to, and nowhere else."""

from contextlib import aclosing
from typing import Any

import httpx
import pytest

from app.cli.client import api_client
from app.cli.client.api_client import TRIES, ApiClient

LATER = httpx.Response(503, headers={"Retry-After": "0"}, json={"code": "log_unavailable"})
OF_A_PROXY = httpx.Response(503, text="no upstream")
DONE = b'event: done\ndata: {"status": "success"}\n\n'


class Server:
    """A server that gives these answers, the last of them for ever."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.asked = 0
        self._answers = answers

    def __call__(self, _: httpx.Request) -> httpx.Response:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def client(self) -> ApiClient:
        """A client of this server."""
        transport = httpx.MockTransport(self)
        return ApiClient(httpx.AsyncClient(base_url="http://comfyd", transport=transport))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "RECONNECT_AFTER", 0.0)


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("POST", {"Idempotency_Key": "order-1"})]
)
async def test_what_may_be_repeated_is(method: str, headers: dict[str, str]) -> None:
    server = Server(LATER, LATER, httpx.Response(200, json={"id": "1"}))
    assert await server.client.send(method, "/v1/runs", headers=headers) == {"id": "1"}
    assert server.asked == 3


@pytest.mark.parametrize(
    ("method", "answer", "asked"),
    [
        ("GET", LATER, TRIES),
        ("POST", LATER, 1),
        ("GET", OF_A_PROXY, 1),
        ("GET", httpx.Response(500, headers={"Retry-After": "0"}), 1),
        ("GET", httpx.Response(503, headers={"Retry-After": "Mon, 30 Nov 2026 12:00:00 GMT"}), 1),
    ],
)
async def test_a_refusal_stays_one(method: str, answer: httpx.Response, asked: int) -> None:
    server = Server(answer)
    with pytest.raises(httpx.HTTPStatusError):
        await server.client.send(method, "/v1/runs")
    assert server.asked == asked


async def read(client: ApiClient) -> list[Any]:
    async with aclosing(client.follow("/v1/runs/1/events")) as events:
        return [event.event async for event in events]


async def test_a_stream_is_resumed_when_the_server_is_back() -> None:
    stream = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=DONE)
    server = Server(LATER, httpx.Response(200, headers=stream.headers), LATER, stream)
    assert await read(server.client) == ["done"]
    assert server.asked == 4


async def test_a_stream_that_is_refused_ends() -> None:
    server = Server(httpx.Response(404))
    with pytest.raises(httpx.HTTPStatusError):
        await read(server.client)
    assert server.asked == 1
