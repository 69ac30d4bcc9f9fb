"""Errors as pages: what is wrong and what to do, in the language of the page."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response

from app.auth.caller import ForeignOrigin, FormRefused, Unauthorized
from app.auth.scopes import OPT
from app.http.accepts import prefers_html
from app.http.dialect import Dialect
from app.http.problems import ErrorResponse, error_response
from app.pages.shell.shell import Shell, shell_of
from app.pages.shell.to_sign_in import to_sign_in
from events.messages.texts import Texts
from infra.translation import message, problem_text, translate

DATA_PREFIXES = ("/v1/", "/api/", "/health/", "/openapi.json")
"""Paths of programs: an unknown one below them is refused as data, also to a browser."""

HINTS: Texts = {
    "unauthorized": "Sign in, and come back to this page.",
    "missing": "It may have been removed, or the address is not complete.",
    "forbidden": "Ask an owner of the organisation for access.",
    "form": "Go back, load the page again, and repeat what you did.",
    "later": "Nothing was lost. Load the page again in a moment.",
    "fault": "This is a fault of comfyd. Its log has the details.",
    "request": "Correct the address, or go to another page.",
}

_HINT_OF_FORMS = {FormRefused.code: "form", ForeignOrigin.code: "form"}
_HINT_OF: Mapping[int, str] = {
    401: "unauthorized",
    403: "forbidden",
    404: "missing",
    429: "later",
    500: "fault",
    503: "later",
}


def error_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer with an error as a page."""
    answer = error_response(error)
    shell = shell_of(request)
    if isinstance(error, Unauthorized) and OPT in request.route_handler.opt:
        return to_sign_in(request, shell)
    language = shell.preferences.language
    answered = shell.page(
        "error.html",
        status=int(answer.status),
        current="",
        title=message(answer.code, language),
        hint=translate(HINTS[_hint(answer)], language),
        problems=_problems(answer, shell),
        code=answer.code,
        answered_with=int(answer.status),
    )
    answered.headers.update(answer.headers)
    return answered


def _hint(answer: ErrorResponse) -> str:
    return _HINT_OF_FORMS.get(answer.code) or _HINT_OF.get(int(answer.status), "request")


def _problems(answer: ErrorResponse, shell: Shell) -> list[str]:
    texts = (
        (p.pointer.lstrip("/"), problem_text(p, shell.preferences.language))
        for p in answer.problems
    )
    return [": ".join(filter(None, parts)) for parts in texts]


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether an unknown address is answered with a page: a browser asks, and not for data."""
    return not request.url.path.startswith(DATA_PREFIXES) and prefers_html(request)


def _undocumented(operation: dict[str, Any]) -> None:
    """Leave an operation as it is: pages are not part of the description of the API."""


PAGES = Dialect(prefix="/", answer_error=error_page, document_errors=_undocumented)
"""The dialect of browsers, for routes of pages to name."""
