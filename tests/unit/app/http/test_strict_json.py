"""Bodies are what is described: nothing is made to fit, and what does not fit is pointed at."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from litestar import Litestar, Request, Response, post
from litestar.params import JSONBody
from litestar.testing import TestClient
from msgspec import Struct

from app.http.problems import log_fault, problem_response
from app.http.strict_json import StrictRequest


class Part(Struct):
    """What a list holds."""

    count: int


class Sent(Struct):
    """What the route takes."""

    sure: bool = False
    parts: list[Part] = []


@post("/")
async def take(data: JSONBody[Sent]) -> Sent:
    return data


@post("/any")
async def take_anything(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
    return data


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log_fault(request, error)
    return problem_response(request, error)


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar(
        [take, take_anything],
        request_class=StrictRequest,
        exception_handlers={Exception: answer},
        openapi_config=None,
    )
    with TestClient(app) as opened:
        yield opened


def test_what_fits_is_taken(client: TestClient[Litestar]) -> None:
    body = {"sure": True, "parts": [{"count": 1}]}

    assert client.post("/", json=body).json() == body
    assert client.post("/any", json={"x": [1]}).json() == {"x": [1]}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"sure": 0}', "/sure", "field_type"),
        (b'{"sure": "true"}', "/sure", "field_type"),
        (b'{"parts": [{"count": "1"}]}', "/parts/0/count", "field_type"),
        (b'{"parts": [{}]}', "/parts/0/count", "field_missing"),
        (b"[]", "", "field_type"),
        (b"null", "", "field_type"),
        (b"", "", "body_missing"),
    ],
)
def test_nothing_is_made_to_fit(
    client: TestClient[Litestar], body: bytes, pointer: str, code: str
) -> None:
    answer = client.post("/", content=body)

    [fault] = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"], fault["code"]) == (400, pointer, code)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"steps": 1e999}', "/steps"),
        (b'{"a": 1, "b": [2, {"c.d": -1e999}]}', "/b/1/c.d"),
    ],
)
def test_a_number_that_is_too_large_is_pointed_at(
    client: TestClient[Litestar], body: bytes, pointer: str
) -> None:
    [fault] = client.post("/any", content=body).json()["errors"]

    assert (fault["code"], fault["pointer"]) == ("field_out_of_range", pointer)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_every_encoding_of_json_is_read(client: TestClient[Litestar], encoding: str) -> None:
    answer = client.post("/any", content='{"x": "貓"}'.encode(encoding))

    assert answer.json() == {"x": "貓"}


@pytest.mark.parametrize(
    ("body", "line", "column", "text"),
    [
        (b"{broken", 1, 2, "broken"),
        (b'{"sure":\n  NaN}', 2, 3, "NaN}"),
        (b'{"\xc3\xa4": 1,}', 1, 9, "}"),
        (b'{"sure"', 1, 8, '{"sure"…'),
        (b"\xff\xfe", 1, 1, "…"),
        (b'{"x": "\xff"}', 1, 8, '\N{REPLACEMENT CHARACTER}"}'),
        (b'"\\ud800"', 1, 9, '"\\ud800"…'),
        ('{"a":\n NaN}'.encode("utf-16"), 2, 2, "NaN}"),
    ],
)
def test_what_is_no_json_is_told_so(
    client: TestClient[Litestar], body: bytes, line: int, column: int, text: str
) -> None:
    answer = client.post("/any", content=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    [fault] = answer.json()["errors"]
    assert (fault["code"], fault["pointer"]) == ("json_malformed", "")
    assert fault["detail"] == (f"line {line}, column {column}: this is not valid JSON: {text}")


@pytest.mark.parametrize("received", [0, 1, 3])
async def test_a_client_that_leaves_in_the_middle_is_no_fault_of_ours(
    client: TestClient[Litestar], caplog: pytest.LogCaptureFixture, received: int
) -> None:
    parts = iter([{"type": "http.request", "body": b'{"x', "more_body": True}] * received)
    sent = []

    async def receive() -> Any:
        return next(parts, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": "/any",
        "raw_path": b"/any",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"100")],
    }
    await client.app(scope, receive, send)

    assert sent[0]["status"] == HTTPStatus.BAD_REQUEST
    assert not [record for record in caplog.records if record.message == "request.failed"]
