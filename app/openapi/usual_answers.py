"""Responses that every route has: errors in the shape of their dialect, and headers."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec

from app.http.dialect import Dialect
from app.http.problem_views import PROBLEM_JSON, FaultView, ProblemView
from app.http.problems import STATUS_OF
from app.openapi.answers import HEADERS, described, problem_example
from app.openapi.schemas import tidy_schemas

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_PROBLEM = {"$ref": _REF.format(name="Problem")}
_ALWAYS = ("RateLimit", "RateLimit-Policy")
_OF_STATUS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.FORBIDDEN: ("WWW-Authenticate",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}


def error_schemas() -> Json:
    """Return the schemas of errors."""
    _, schemas = msgspec.json.schema_components((ProblemView, FaultView), ref_template=_REF)
    tidied: Json = tidy_schemas({"components": {"schemas": schemas}})["components"]["schemas"]
    return tidied


def add_usual_answers(operation: Json, *, needs_caller: bool, dialect: Dialect | None) -> None:
    """Add to an operation what its route does not declare itself."""
    responses = operation["responses"]
    if _is_the_frameworks(responses.get("400", {})):
        del responses["400"]
    for status, codes in _usual(operation, needs_caller=needs_caller).items():
        _add(responses, status, codes)
    for response in responses.values():
        _without_ids(response)
    if dialect is not None:
        dialect.document_errors(operation)
    _add_headers(responses, limited=needs_caller)
    operation["responses"] = dict(sorted(responses.items()))


def _without_ids(response: Json) -> None:
    """Drop what Litestar makes the key of an example and leaves in it: the format has no id."""
    for content in response.get("content", {}).values():
        for example in content.get("examples", {}).values():
            example.pop("id", None)


def _is_the_frameworks(response: Json) -> bool:
    """Return whether this is Litestar's shape of a refused request; we have our own."""
    content = response.get("content", {}).get("application/json", {})
    return "status_code" in content.get("schema", {}).get("properties", {})


def _usual(operation: Json, *, needs_caller: bool) -> dict[HTTPStatus, list[str]]:
    codes = list(_codes(operation, needs_caller=needs_caller))
    known = [code for code in codes if code in STATUS_OF]
    return {
        status: [code for code in known if STATUS_OF[code] is status]
        for status in dict.fromkeys(STATUS_OF[code] for code in known)
    }


def _codes(operation: Json, *, needs_caller: bool) -> Iterator[str]:
    if needs_caller:
        yield from _with_status(HTTPStatus.UNAUTHORIZED)
        yield "scope_missing"
        yield from _with_status(HTTPStatus.SERVICE_UNAVAILABLE)
        yield from ("not_found", "internal")
    yield "rate_limited"
    if needs_caller or operation.get("parameters"):
        yield "invalid_request"
    if "requestBody" in operation:
        yield from ("malformed_json", "body_too_large", "body_too_complex")


def _with_status(status: HTTPStatus) -> Iterator[str]:
    return (code for code, its in STATUS_OF.items() if its is status)


def _add(responses: Json, status: HTTPStatus, codes: list[str]) -> None:
    response = responses.setdefault(str(int(status)), {"description": "", "content": {}})
    content = response["content"].setdefault(PROBLEM_JSON, {"schema": _PROBLEM})
    examples = content.setdefault("examples", {})
    fresh = [code for code in codes if code not in examples]
    examples |= {code: {"value": problem_example(code)} for code in fresh}
    response["description"] = "\n".join(filter(None, [response["description"], described(fresh)]))


def _add_headers(responses: Json, *, limited: bool) -> None:
    good = {name for response in responses.values() for name in response.get("headers", {})}
    always = _ALWAYS if limited and "rate_limited" in STATUS_OF else ()
    for status, response in responses.items():
        names = {*always, *_OF_STATUS.get(HTTPStatus(int(status)), ())}
        names |= good if status[0] in "23" else set()
        response["headers"] = {
            name: {"description": HEADERS[name], "schema": {"type": "string"}}
            for name in sorted(names)
        }
