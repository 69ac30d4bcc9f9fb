"""Errors as the native API tells them: RFC 9457, with a stable code, in English or Chinese."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from msgspec import Struct

from app.auth import Unauthorized
from events.errors import (
    AlreadyExists,
    CommandRefused,
    IllegalTransition,
    InvalidGraph,
    InvalidInputs,
    NotFound,
    Problem,
)
from events.messages import say
from events.nodes import pointer
from infra.event_store import AggregateFull, LogUnavailable, TooLarge, VersionConflict
from infra.object_storage import StorageRefused, StorageUnavailable
from infra.postgres import POSTGRES_AWAY

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER = "1"
"""Seconds after which what is away may be back."""


class Told(Struct, frozen=True, kw_only=True):
    """What a client is told of an error."""

    status: HTTPStatus
    code: str
    detail: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the status."""
        if self.status is HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": RETRY_AFTER}
        return {}


class BadRequest(Exception):
    """The request cannot be read; holds what is wrong with it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.text())


_BY_CLASS: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    Unauthorized: (HTTPStatus.UNAUTHORIZED, "unauthorized"),
    NotFound: (HTTPStatus.NOT_FOUND, "not_found"),
    InvalidInputs: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_inputs"),
    InvalidGraph: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_graph"),
    AlreadyExists: (HTTPStatus.CONFLICT, "idempotency_conflict"),
    IllegalTransition: (HTTPStatus.CONFLICT, "illegal_transition"),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    AggregateFull: (HTTPStatus.CONFLICT, "too_many_changes"),
    VersionConflict: (HTTPStatus.SERVICE_UNAVAILABLE, "log_busy"),
    LogUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "log_unavailable"),
    StorageUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "storage_unavailable"),
    StorageRefused: (HTTPStatus.SERVICE_UNAVAILABLE, "storage_refused"),
    **dict.fromkeys(POSTGRES_AWAY, (HTTPStatus.SERVICE_UNAVAILABLE, "read_models_unavailable")),
    NotFoundException: (HTTPStatus.NOT_FOUND, "no_such_route"),
    MethodNotAllowedException: (HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed"),
}


def told(error: Exception) -> Told:
    """Say what a client is told of *error*; of our own faults nothing but that there is one."""
    if isinstance(error, ValidationException):
        return _invalid_request(error)
    if isinstance(error, BadRequest):
        return Told(
            status=HTTPStatus.BAD_REQUEST, code="invalid_request", problems=(error.problem,)
        )
    if isinstance(error, RecursionError):
        # Of all we do, only decoding a body goes as deep as a stranger wants.
        return Told(status=HTTPStatus.BAD_REQUEST, code="malformed_json")
    for kind, (status, code) in _BY_CLASS.items():
        if isinstance(error, kind):
            problems = error.problems if isinstance(error, CommandRefused) else ()
            known = isinstance(error, CommandRefused)
            return Told(
                status=status, code=code, detail=str(error) if known else "", problems=problems
            )
    if isinstance(error, HTTPException):
        return _http(error)
    return Told(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal")


_NAMED_FIELD = re.compile(r"Object (missing required|contains unknown) field `([^`]*)`")
_FIELD_CODES = {"missing required": "field_missing", "contains unknown": "field_unknown"}


def _invalid_request(error: ValidationException) -> Told:
    extra = error.extra if isinstance(error.extra, list) else []
    problems = tuple(_field_problem(item) for item in extra if isinstance(item, dict))
    return Told(status=HTTPStatus.BAD_REQUEST, code="invalid_request", problems=problems)


def _field_problem(item: Mapping[str, Any]) -> Problem:
    """Point at the field, where the framework points at the whole body."""
    reason = str(item.get("message", ""))
    where = [part for part in str(item.get("key", "")).split(".") if part and part != "data"]
    if reason == "'data'":
        return Problem(code="body_missing")
    if named := _NAMED_FIELD.search(reason):
        code, name = _FIELD_CODES[named[1]], named[2]
        return Problem(code=code, pointer=pointer(*where, name), params={"field": name})
    return Problem(code="field_invalid", pointer=pointer(*where), params={"reason": reason})


def _http(error: HTTPException) -> Told:
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Told(status=status, code="body_too_large")
    if isinstance(error, ClientException):
        return Told(status=status, code="malformed_json")
    return Told(status=status, code="internal")


def language_of(accept_language: str) -> str:
    """Choose the language of messages: Chinese if it is preferred to English, else English."""
    for part in accept_language.lower().split(","):
        tag = part.split(";", maxsplit=1)[0].strip()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "en"


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer with *error* in the native API's shape."""
    answer = told(error)
    language = language_of(request.headers.get("accept-language", ""))
    body: dict[str, Any] = {
        "type": f"urn:comfyd:problem:{answer.code}",
        "title": say(answer.code, {}, language),
        "status": int(answer.status),
        "code": answer.code,
    }
    if answer.problems:
        body["detail"] = "; ".join(problem.text(language) for problem in answer.problems)
        body["errors"] = [
            {"pointer": p.pointer, "code": p.code, "detail": p.text(language)}
            for p in answer.problems
        ]
    elif answer.detail:
        body["detail"] = answer.detail
    return Response(
        content=body,
        status_code=int(answer.status),
        media_type=PROBLEM_JSON,
        headers=answer.headers | {"Content-Language": language},
    )


def log_fault(request: Request[Any, Any, Any], error: Exception) -> None:
    """Log what is our own fault; strangers' mistakes are not worth a line."""
    if told(error).status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error(
            "request.failed",
            exc_info=error,
            extra={"method": request.method, "path": request.url.path},
        )
