"""Errors of the API: their status and stable code, and the native shape of them (RFC 9457)."""

import logging
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

from app.auth.caller import (
    CredentialInAddress,
    ForeignOrigin,
    FormRefused,
    KeyExpired,
    KeyRevoked,
    ScopeMissing,
    SessionEnded,
    SignInLinkExpired,
    SignInLinkUsed,
    SignInRefused,
    TicketExpired,
    TicketRevoked,
    TokenRevoked,
    Unauthorized,
)
from app.http.bad_request import BadRequest
from app.http.byte_ranges import RangeNotSatisfiable
from app.http.field_problems import field_problem
from app.http.language import language_of
from app.http.not_supported import NotSupported
from app.http.problem_views import PROBLEM_JSON, ProblemView, fault_views, problem_type
from app.limits.too_many import QuotaExceeded, RateLimited, TooMany
from events.errors import (
    AliasReserved,
    AlreadyExists,
    CallbackLate,
    CommandRefused,
    IllegalTransition,
    IncompatibleInputs,
    InputsErased,
    InvalidGraph,
    InvalidInputs,
    LastOwner,
    MachineBusy,
    MachineGone,
    MachineLacksPlugin,
    MachineUnobserved,
    NameTaken,
    NotFound,
    NothingToRerun,
    NothingToRollBack,
    PluginUnusable,
    Problem,
    RunNotEnded,
    TokenNeeded,
)
from events.json_checks import BodyTooComplex
from infra.event_store import AggregateFull, LogUnavailable, TooLarge, VersionConflict
from infra.net.jwks import IdentityProviderUnavailable
from infra.postgres import PostgresUnavailable
from infra.s3.port import StorageBusy, StorageRefused, StorageUnavailable
from infra.translation import message, problem_text, translate
from projections.queries import ReadModelsBehind

log = logging.getLogger(__name__)

RETRY_AFTER = "1"
"""Seconds after which what is away may be back."""


class ErrorResponse(Struct, frozen=True, kw_only=True):
    """An error as a response, whatever its dialect."""

    status: HTTPStatus
    code: str
    text: str = ""
    """What is wrong, in English, where no problems say it: a text of the catalogue."""

    params: Mapping[str, object] = {}
    """What the placeholders of the text stand for."""

    problems: tuple[Problem, ...] = ()
    retry_after: int | None = None
    """Seconds after which it helps to come back."""

    allow: str = ""
    """The methods there are, where one was tried that is none of them (RFC 9110 §15.5.6)."""

    size: int | None = None
    """Bytes of the file, where a range of it was wanted that it does not have."""

    def detail(self, language: str) -> str:
        """Return what is wrong, in *language*; empty where the code says it all."""
        if self.problems:
            return "; ".join(problem_text(problem, language) for problem in self.problems)
        return translate(self.text, language, self.params) if self.text else ""

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the status."""
        if self.size is not None:
            return {"Content-Range": f"bytes */{self.size}"}
        if self.status is HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        if self.code == "scope_missing":
            return {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": RETRY_AFTER}
        if self.retry_after is not None:
            return {"Retry-After": str(self.retry_after)}
        if self.allow:
            return {"Allow": self.allow}
        return {}


Refusal = (
    CommandRefused | Unauthorized | ScopeMissing | FormRefused | TooMany | BadRequest | NotSupported
)

_REFUSALS: Mapping[type[Refusal], HTTPStatus] = {
    BadRequest: HTTPStatus.BAD_REQUEST,
    **dict.fromkeys(
        (
            KeyRevoked,
            KeyExpired,
            TokenRevoked,
            TicketExpired,
            TicketRevoked,
            CredentialInAddress,
            SessionEnded,
            SignInLinkExpired,
            SignInLinkUsed,
            SignInRefused,
            Unauthorized,
        ),
        HTTPStatus.UNAUTHORIZED,
    ),
    **dict.fromkeys((ScopeMissing, FormRefused, ForeignOrigin), HTTPStatus.FORBIDDEN),
    NotFound: HTTPStatus.NOT_FOUND,
    **dict.fromkeys(
        (
            AlreadyExists,
            CallbackLate,
            InputsErased,
            NothingToRerun,
            IllegalTransition,
            RunNotEnded,
            IncompatibleInputs,
            NothingToRollBack,
            MachineGone,
            MachineBusy,
            MachineUnobserved,
            AliasReserved,
            NameTaken,
            PluginUnusable,
            MachineLacksPlugin,
            LastOwner,
        ),
        HTTPStatus.CONFLICT,
    ),
    **dict.fromkeys((InvalidInputs, InvalidGraph, TokenNeeded), HTTPStatus.UNPROCESSABLE_ENTITY),
    **dict.fromkeys((RateLimited, QuotaExceeded), HTTPStatus.TOO_MANY_REQUESTS),
    NotSupported: HTTPStatus.NOT_IMPLEMENTED,
}
"""The status of each refusal; its code stands on its class."""

_FAILURES: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    BodyTooComplex: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_complex"),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    AggregateFull: (HTTPStatus.CONFLICT, "too_many_changes"),
    VersionConflict: (HTTPStatus.SERVICE_UNAVAILABLE, "log_busy"),
    IdentityProviderUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "identity_provider_unavailable"),
    LogUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "log_unavailable"),
    RangeNotSatisfiable: (HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, RangeNotSatisfiable.code),
    StorageBusy: (HTTPStatus.SERVICE_UNAVAILABLE, "files_busy"),
    StorageUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "storage_unavailable"),
    StorageRefused: (HTTPStatus.SERVICE_UNAVAILABLE, "storage_refused"),
    PostgresUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "read_models_unavailable"),
    ReadModelsBehind: (HTTPStatus.SERVICE_UNAVAILABLE, "read_models_unavailable"),
    NotFoundException: (HTTPStatus.NOT_FOUND, "no_such_route"),
    MethodNotAllowedException: (HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed"),
}
"""Status and code of errors of the drivers and of the framework, which know nothing of the API."""

_BY_CLASS: Mapping[type, tuple[HTTPStatus, str]] = {
    **{kind: (status, kind.code) for kind, status in _REFUSALS.items()},
    **_FAILURES,
}

STATUS_OF: Mapping[str, HTTPStatus] = {
    **{code: status for status, code in _BY_CLASS.values()},
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Every refusal's stable code, and the status that goes with it."""


def error_response(error: Exception) -> ErrorResponse:
    """Map an exception to its status, code and problems; an unknown one is `internal`."""
    if isinstance(error, ValidationException):
        return _invalid_request(error)
    if isinstance(error, RecursionError):
        # Only the decoding of a body goes as deep as a client wants.
        return ErrorResponse(status=HTTPStatus.BAD_REQUEST, code="malformed_json")
    for kind in type(error).__mro__:
        if kind in _BY_CLASS:
            return _by_class(error, *_BY_CLASS[kind])
    if isinstance(error, HTTPException):
        return _http(error)
    return ErrorResponse(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal")


def _by_class(error: Exception, status: HTTPStatus, code: str) -> ErrorResponse:
    explained = CommandRefused | ScopeMissing | TooMany | BadRequest | NotSupported
    return ErrorResponse(
        status=status,
        code=code,
        text=error.text if isinstance(error, CommandRefused) else "",
        params=error.params if isinstance(error, CommandRefused) else {},
        problems=error.problems if isinstance(error, explained) else (),
        retry_after=error.retry_after if isinstance(error, TooMany) else None,
        allow=_allowed(error),
        size=error.size if isinstance(error, RangeNotSatisfiable) else None,
    )


def _invalid_request(error: ValidationException) -> ErrorResponse:
    extra = error.extra if isinstance(error.extra, list) else []
    problems = tuple(field_problem(item) for item in extra if isinstance(item, dict))
    return ErrorResponse(status=HTTPStatus.BAD_REQUEST, code="invalid_request", problems=problems)


def _http(error: HTTPException) -> ErrorResponse:
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ErrorResponse(status=status, code="body_too_large")
    if isinstance(error, ClientException):
        where = tuple(p for p in error.extra or () if isinstance(p, Problem))
        return ErrorResponse(status=status, code="malformed_json", problems=where)
    return ErrorResponse(status=status, code="internal")


def _allowed(error: Exception) -> str:
    headers = (error.headers or {}) if isinstance(error, MethodNotAllowedException) else {}
    return headers.get("allow", "")


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer with *error* in the native API's shape."""
    answer = error_response(error)
    language = language_of(request.headers.get("accept-language", ""))
    body = ProblemView(
        type=problem_type(answer.code),
        title=message(answer.code, language),
        status=int(answer.status),
        code=answer.code,
        detail=answer.detail(language) or None,
        errors=fault_views(answer.problems, language),
    )
    return Response(
        content=body,
        status_code=int(answer.status),
        media_type=PROBLEM_JSON,
        headers=answer.headers | {"Content-Language": language},
    )


def log_fault(request: Request[Any, Any, Any], error: Exception) -> None:
    """Log a fault of the server, or what it waits for; the mistakes of clients are not logged."""
    answer = error_response(error)
    place = {"method": request.method, "path": request.url.path}
    if answer.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request.failed", exc_info=error, extra=place)
    elif answer.status is HTTPStatus.SERVICE_UNAVAILABLE:
        log.warning("request.put_off", extra=place | {"code": answer.code, "error": str(error)})
