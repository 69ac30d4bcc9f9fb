"""Errors of the classic routes, in the shapes of comfyui-deploy."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from app.api.classic.error_bodies import NOT_KNOWN, error_body
from app.http.problem_views import PROBLEM_JSON
from app.http.problems import STATUS_OF, ErrorResponse
from events.errors import Problem

Json = dict[str, Any]

_CLASSIC_ERROR = {"$ref": "#/components/schemas/ClassicError"}
_PROBLEMS: Mapping[str, Problem] = {
    "quota_exceeded": Problem(
        code="quota_runs_in_flight", params={"limit": "20", "count": "20", "more": "1"}
    ),
    "rate_limited": Problem(code="rate_limit_reached", params={"limit": "600", "seconds": "12"}),
}
"""Codes whose messages have parameters."""


def in_classic_words(operation: Json) -> None:
    """Replace every error of an operation by what comfyui-deploy would answer."""
    scopes = {scope for way in operation["security"] for of_it in way.values() for scope in of_it}
    for status, response in operation["responses"].items():
        if status == "401":
            words = {"schema": {"type": "string"}, "examples": {"any": {"value": NOT_KNOWN}}}
            response["content"] = {"text/plain": words}
        elif status[0] in "45":
            codes = response["content"].get(PROBLEM_JSON, {}).get("examples", {})
            examples = {code: {"value": _example(code, scopes)} for code in codes}
            words = {"schema": _CLASSIC_ERROR, "examples": examples}
            response["content"] = {"application/json": words}


def _example(code: str, scopes: Iterable[str]) -> Mapping[str, Any]:
    problem = _PROBLEMS.get(code)
    if STATUS_OF[code] is HTTPStatus.FORBIDDEN:
        problem = Problem(code="scope_needed", params={"scopes": " / ".join(sorted(scopes))})
    problems = (problem,) if problem else ()
    return error_body(ErrorResponse(status=STATUS_OF[code], code=code, problems=problems), "en")
