"""What clients are told of errors: the right status, a stable code, and nothing of our own."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar, Request
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.testing import RequestFactory

from app.api.classic.errors import classic_error
from app.auth.caller import Unauthorized
from app.http.bad_request import BadRequest
from app.http.byte_ranges import RangeNotSatisfiable
from app.http.field_problems import field_problem
from app.http.language import language_of
from app.http.problem_views import FaultView
from app.http.problems import (
    ErrorResponse,
    error_response,
    log_fault,
    problem_response,
)
from events.errors import (
    AlreadyExists,
    CommandRefused,
    IllegalTransition,
    InvalidGraph,
    InvalidInputs,
    NotFound,
    Problem,
    Superseded,
)
from infra.event_store import AggregateFull, LogUnavailable, TooLarge, VersionConflict
from infra.postgres import PostgresError, PostgresUnavailable
from infra.s3.port import StorageBusy, StorageRefused, StorageUnavailable
from infra.translation import problem_text


class Sent(msgspec.Struct):
    """Every kind of limit that a field can have."""

    count: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    ratio: float = 1.0
    name: Annotated[str, msgspec.Meta(min_length=2, max_length=3, pattern="^a")] = "aa"
    names: Annotated[list[str], msgspec.Meta(min_length=1)] = []
    id: UUID | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    kind: Literal["a", "b"] = "a"


SECRET = "password=hunter2 at 10.0.0.7"
WIDTH = Problem(code="input_not_number", pointer="/inputs/width", params={"name": "width"})
SEED = Problem(code="input_required", pointer="/inputs/seed", params={"name": "seed"})
RETRY = {"Retry-After": "1"}
TIME = "2026-01-31T12:00:00+00:00 (RFC 3339)"

Headers = Mapping[str, str]
CASES: list[tuple[Exception, int, str, Headers]] = [
    (Unauthorized(SECRET), 401, "unauthorized", {"WWW-Authenticate": "Bearer"}),
    (TooLarge(SECRET), 413, "too_large", {}),
    (AggregateFull(SECRET), 409, "too_many_changes", {}),
    (VersionConflict(SECRET), 503, "log_busy", RETRY),
    (LogUnavailable(SECRET), 503, "log_unavailable", RETRY),
    (StorageUnavailable(SECRET), 503, "storage_unavailable", RETRY),
    (StorageRefused(SECRET), 503, "storage_refused", RETRY),
    (StorageBusy(SECRET), 503, "files_busy", RETRY),
    (PostgresUnavailable(SECRET), 503, "read_models_unavailable", RETRY),
    (NotFoundException(SECRET), 404, "no_such_route", {}),
    (MethodNotAllowedException(SECRET), 405, "method_not_allowed", {}),
    (ClientException(SECRET), 400, "malformed_json", {}),
    (ClientException(SECRET, status_code=413), 413, "body_too_large", {}),
    (HTTPException(SECRET, status_code=500), 500, "internal", {}),
    (PostgresError(SECRET), 500, "internal", {}),
    (Superseded(SECRET), 500, "internal", {}),
    (ValueError(SECRET), 500, "internal", {}),
]

REFUSALS: list[tuple[CommandRefused, int, str]] = [
    (NotFound("there is no run with this id"), 404, "not_found"),
    (AlreadyExists("another request"), 409, "idempotency_conflict"),
    (IllegalTransition("it has ended"), 409, "illegal_transition"),
    (InvalidInputs(problems=[WIDTH, SEED]), 422, "invalid_inputs"),
    (InvalidGraph(problems=[Problem(code="graph_empty")]), 422, "invalid_graph"),
]


def request(language: str = "") -> Request[Any, Any, Any]:
    headers = {"Accept-Language": language} if language else {}
    # The application of its own would configure the logs of the whole process.
    return RequestFactory(Litestar([], logging_config=None)).get("/v1/runs", headers=headers)


@pytest.mark.parametrize(
    ("error", "status", "code", "headers"), CASES, ids=lambda case: type(case).__name__
)
def test_what_goes_wrong_in_the_house_is_told_by_its_code_alone(
    error: Exception, status: int, code: str, headers: Headers
) -> None:
    answer = error_response(error)

    assert answer == ErrorResponse(status=HTTPStatus(status), code=code)
    assert answer.headers == headers
    for response in (problem_response(request(), error), classic_error(request(), error)):
        assert "hunter2" not in str(response.content)
        assert response.headers.items() >= headers.items()
        assert response.status_code == status


def test_a_range_behind_the_end_says_how_long_the_file_is() -> None:
    answer = error_response(RangeNotSatisfiable(10))

    assert (answer.status, answer.code) == (416, "range_not_satisfiable")
    assert answer.headers == {"Content-Range": "bytes */10"}


@pytest.mark.parametrize(("error", "status", "code"), REFUSALS, ids=lambda c: type(c).__name__)
def test_refusals_say_why(error: CommandRefused, status: int, code: str) -> None:
    assert error_response(error) == ErrorResponse(
        status=HTTPStatus(status), code=code, text=error.text, problems=error.problems
    )


def test_a_problem_document_has_everything_a_program_needs() -> None:
    response = problem_response(request(), InvalidInputs(problems=[WIDTH, SEED]))

    assert (response.status_code, response.media_type) == (422, "application/problem+json")
    content = msgspec.to_builtins(response.content)
    assert content.pop("title")
    assert content == {
        "type": "urn:comfyd:problem:invalid_inputs",
        "status": 422,
        "code": "invalid_inputs",
        "detail": f"{WIDTH.text()}; {SEED.text()}",
        "errors": [
            {"pointer": p.pointer, "code": p.code, "detail": p.text()} for p in (WIDTH, SEED)
        ],
    }


def test_problems_are_told_in_the_language_of_the_client() -> None:
    error = InvalidInputs(problems=[WIDTH])

    response = problem_response(request("zh-CN,zh;q=0.9,en;q=0.8"), error)

    assert response.headers["Content-Language"] == "zh"
    assert response.content.detail == problem_text(WIDTH, "zh") != problem_text(WIDTH, "en")
    assert response.content.title != problem_response(request(), error).content.title


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("en", "en"),
        ("de", "en"),
        ("zh", "zh"),
        ("ZH-tw", "zh"),
        ("de, zh;q=0.5", "zh"),
        ("en-GB, zh", "en"),
        ("zh, en", "zh"),
        ("en;q=0.3, zh-CN;q=0.8", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=0", "en"),
        (" zh-CN ;q=0.9 , en;q=0.8", "zh"),
        (",;=", "en"),
    ],
)
def test_chinese_is_spoken_to_those_who_prefer_it_to_english(header: str, language: str) -> None:
    assert language_of(header) == language


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (
            {"key": "data", "message": "Object missing required field `deployment_id`"},
            Problem(
                code="field_missing", pointer="/deployment_id", params={"field": "deployment_id"}
            ),
        ),
        (
            {"key": "data", "message": "Object contains unknown field `a/b`"},
            Problem(code="field_unknown", pointer="/a~1b", params={"field": "a/b"}),
        ),
        (
            {"key": "limit", "message": "Expected `int` <= 100"},
            Problem(code="field_too_large", pointer="/limit", params={"limit": "100"}),
        ),
        ({"key": "data", "message": "'data'"}, Problem(code="body_missing")),
    ],
)
def test_a_request_of_the_wrong_shape_is_told_which_field(
    item: Mapping[str, str], problem: Problem
) -> None:
    error = ValidationException("validation failed", extra=[item])

    assert error_response(error) == ErrorResponse(
        status=HTTPStatus.BAD_REQUEST, code="invalid_request", problems=(problem,)
    )
    assert problem_response(request(), error).content.errors == [
        FaultView(pointer=problem.pointer, code=problem.code, detail=problem.text())
    ]


@pytest.mark.parametrize(
    ("sent", "code", "params"),
    [
        (b'{"count": "a"}', "field_type", {"expected": "integer", "got": "string"}),
        (b'{"id": 1}', "field_type", {"expected": "UUID | null", "got": "integer"}),
        (b"[]", "field_type", {"expected": "object", "got": "array"}),
        (b'{"count": 0}', "field_too_small", {"limit": "1"}),
        (b'{"count": 9}', "field_too_large", {"limit": "5"}),
        (b'{"ratio": 1e999}', "field_out_of_range", {}),
        (b'{"name": "a"}', "field_too_short", {"limit": "2"}),
        (b'{"name": "abcd"}', "field_too_long", {"limit": "3"}),
        (b'{"name": "bb"}', "field_characters", {}),
        (b'{"names": []}', "field_too_short", {"limit": "1"}),
        (b'{"id": "x"}', "field_format", {"format": "UUID"}),
        (b'{"at": "x"}', "field_format", {"format": TIME}),
        (b'{"at": "2026-01-01T00:00:00"}', "field_format", {"format": TIME}),
        (b'{"kind": "c"}', "field_option", {"value": "c"}),
    ],
)
def test_what_the_decoder_says_is_told_in_our_words(
    sent: bytes, code: str, params: dict[str, str]
) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(sent, type=Sent)

    problem = field_problem({"key": "", "message": str(refused.value)})

    assert (problem.code, problem.params) == (code, params)


def test_a_method_that_is_not_there_is_told_with_those_that_are() -> None:
    error = MethodNotAllowedException(headers={"allow": "GET, POST"})

    assert problem_response(request(), error).headers["Allow"] == "GET, POST"


def test_a_part_that_cannot_be_read_is_named() -> None:
    problem = Problem(code="bad_cursor", pointer="/cursor")

    assert error_response(BadRequest(problem)) == ErrorResponse(
        status=HTTPStatus.BAD_REQUEST, code="invalid_request", problems=(problem,)
    )


def test_the_classic_dialect_has_its_own_shapes() -> None:
    inputs = classic_error(request(), InvalidInputs(problems=[WIDTH]))
    assert (inputs.status_code, inputs.content) == (
        400,
        {
            "success": False,
            "error": {
                "issues": [
                    {
                        "code": "input_not_number",
                        "path": ["inputs", "width"],
                        "message": WIDTH.text(),
                    }
                ],
                "name": "ZodError",
            },
        },
    )
    missing = classic_error(request(), NotFound("Run not found"))
    assert (missing.status_code, missing.content) == (404, {"error": "Run not found"})
    broken = classic_error(request(), ClientException())
    assert (broken.status_code, broken.content) == (
        400,
        {"success": False, "message": "Malformed JSON in request body"},
    )
    nobody = classic_error(request(), Unauthorized())
    assert (nobody.status_code, nobody.content) == (401, "Invalid or expired token")


def test_only_our_own_faults_and_what_we_wait_for_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log_fault(request(), NotFound())
    assert caplog.records == []

    fault = ValueError(SECRET)
    log_fault(request(), LogUnavailable("no leader"))
    log_fault(request(), fault)

    put_off, record = caplog.records
    assert (put_off.message, put_off.levelname) == ("request.put_off", "WARNING")
    assert vars(put_off)["code"] == "log_unavailable"
    assert (vars(put_off)["error"], put_off.exc_info) == ("no leader", None)
    assert record.exc_info is not None
    assert (record.message, record.exc_info[1]) == ("request.failed", fault)


def test_a_body_nested_deeper_than_anybody_needs_is_no_fault_of_ours() -> None:
    answer = error_response(RecursionError())

    assert (answer.status, answer.code) == (HTTPStatus.BAD_REQUEST, "malformed_json")
