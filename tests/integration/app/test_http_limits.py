"""The HTTP server in front of the application: what is too long or too slow is refused early."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from app.http import http_limits
from app.http.http_limits import HEAD_BYTES, HEADERS, URL_BYTES, LimitedHttp
from app.http.security_headers import ON_EVERYTHING
from infra.embedded.ports import LOOPBACK
from tests.network.ports import free_port

END = b"\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the size of the body."""
    size, more = 0, scope["type"] == "http"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def two_pieces(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 -- as ASGI has it
    """Answer as a stream does: without saying how long it will be."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await send({"type": "http.response.body", "body": b"second", "more_body": True})
    await send({"type": "http.response.body"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serve the echo; give its port."""
    async with served(echo) as port:
        yield port


@pytest.fixture
async def pieces_port() -> AsyncIterator[int]:
    """Serve the stream; give its port."""
    async with served(two_pieces) as port:
        yield port


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """Serve an application as the API is served; give its port."""
    port = free_port()
    config = uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        http=LimitedHttp,
        ws="none",
        lifespan="off",
        log_config=None,
        headers=ON_EVERYTHING,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())  # without its signal handlers
    while not server.started:  # noqa: ASYNC110 -- uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await serving


async def answer(port: int, pieces: Iterable[bytes], *, pause: float = 0.0) -> bytes:
    """Send a request in pieces; give what comes back until the connection ends."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    got = asyncio.create_task(_all_of(reader))
    for piece in pieces:
        if not got.done():
            writer.write(piece)
            await asyncio.sleep(pause)
    async with asyncio.timeout(30):
        answered = await got
    writer.close()
    return answered


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    got = b""
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            got += piece
    return got


def status(got: bytes) -> int:
    return int(got.split(maxsplit=2)[1])


def get(path: bytes = b"/", *headers: bytes) -> bytes:
    lines = [b"GET %b HTTP/1.1" % path, b"host: x", b"connection: close", *headers]
    return b"\r\n".join(lines) + END


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (get(), 200),
        (get(b"/" + b"u" * (URL_BYTES - 1)), 200),
        (get(b"/" + b"u" * URL_BYTES), 414),
        (get(b"/", b"x: " + b"h" * (HEAD_BYTES - 100)), 200),
        (get(b"/", b"x: " + b"h" * HEAD_BYTES), 431),
        (get(b"/", *(b"x%d: h" % n for n in range(HEADERS - 2))), 200),
        (get(b"/", *(b"x%d: h" % n for n in range(HEADERS - 1))), 431),
        (b"nonsense" + END, 400),
        (get(b"/", b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-key: x"), 200),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_head_that_is_too_long_is_refused(
    port: int, request_: bytes, expected: int
) -> None:
    whole = await answer(port, [request_])
    third = len(request_) // 3 + 1
    in_pieces = await answer(
        port, [request_[:third], request_[third : 2 * third], request_[2 * third :]], pause=0.01
    )
    assert (status(whole), status(in_pieces)) == (expected, expected)
    for name, value in ON_EVERYTHING:
        assert f"{name}: {value}".lower().encode() in whole.lower()


async def test_a_head_without_end_is_refused_before_it_fills_the_memory(port: int) -> None:
    endless = [b"GET / HTTP/1.1\r\nhost: x\r\nx: ", *[b"h" * 8192] * 20]
    assert status(await answer(port, endless, pause=0.005)) == 431


async def test_trailers_without_end_are_refused_as_well(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    endless = [head, b"2\r\nab\r\n", b"0\r\nx: ", *[b"h" * 8192] * 20]
    assert status(await answer(port, endless, pause=0.005)) == 431


async def test_a_body_is_no_head(port: int) -> None:
    size = 10 * HEAD_BYTES
    head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % size
    whole = await answer(port, [head + b"b" * size])
    in_pieces = await answer(port, [head, *[b"b" * (size // 10)] * 10], pause=0.005)
    for got in (whole, in_pieces):
        assert got.endswith(END + str(size).encode())


async def test_one_connection_serves_many_requests(port: int) -> None:
    first = get().replace(b"connection: close", b"a: b")
    got = await answer(port, [first * 3, first[:10], first[10:], get()], pause=0.01)
    assert got.count(b"HTTP/1.1 200") == 5


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b""], b""),
        ([b"GET / HT", b"T", b"P"], b"HTTP/1.1 408 Request Timeout"),
        ([get().replace(b"connection: close", b"a: b"), b"GET"], b"HTTP/1.1 408"),
        ([b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n", b"a", b"b"], b"HTTP/1.1 408"),
    ],
    ids=["nothing", "head", "second head", "body"],
)
async def test_who_sends_too_slowly_is_cut_off(
    port: int, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], expected: bytes
) -> None:
    for part in http_limits._PATIENCE:
        monkeypatch.setitem(http_limits._PATIENCE, part, 0.15)
    got = await answer(port, pieces, pause=0.05)
    assert expected in got
    assert got or not expected


async def test_who_listens_is_not_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in http_limits._PATIENCE:
        monkeypatch.setitem(http_limits._PATIENCE, part, 0.1)
    first = get().replace(b"connection: close", b"a: b")
    got = await answer(port, [first, get()], pause=0.3)
    assert got.count(b"HTTP/1.1 200") == 2


async def test_http_1_0_is_answered_without_chunks_until_the_connection_ends(
    pieces_port: int,
) -> None:
    old = b"GET / HTTP/1.0\r\nhost: x\r\nexpect: 100-continue\r\nconnection: keep-alive\r\n\r\n"
    head, _, body = (await answer(pieces_port, [old])).partition(END)
    of_head, _, nothing = (await answer(pieces_port, [old.replace(b"GET", b"HEAD")])).partition(END)
    _, _, chunked = (await answer(pieces_port, [get()])).partition(END)

    assert head.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head.lower()
    assert body == b"firstsecond"
    assert (b"transfer-encoding" in of_head.lower(), nothing) == (False, b"")
    assert chunked == b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"


async def test_http_1_0_is_answered_with_a_length_where_there_is_one(port: int) -> None:
    old = b"POST / HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc"
    head, _, body = (await answer(port, [old])).partition(END)

    assert b"content-length: 1" in head.lower()
    assert body == b"3"
