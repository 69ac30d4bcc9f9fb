"""The shapes of errors in the classic dialect."""

from http import HTTPStatus
from typing import TypedDict

from app.http.problems import ErrorResponse
from infra.translation import message, problem_text, translate


class ClassicIssue(TypedDict):
    """One thing that is wrong with a body."""

    code: str
    path: list[str]
    message: str


class ClassicIssues(TypedDict):
    """All that is wrong with a body."""

    issues: list[ClassicIssue]
    name: str


class ClassicError(TypedDict, total=False):
    """Why a request was refused, in `error` or else in `message`."""

    success: bool
    code: int
    message: str
    error: str | ClassicIssues
    detail: str


NOT_KNOWN = "Invalid or expired token"
"""The whole body of a 401, in plain text."""


_NOT_THE_BODY = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"""Errors that are not in the body, so there is nothing to point at."""


def error_body(answer: ErrorResponse, language: str) -> ClassicError:
    """Return the body of a refusal; that of a 401 is NOT_KNOWN instead."""
    if answer.code == "malformed_json":
        return {"success": False, "message": translate("Malformed JSON in request body", language)}
    if answer.status is HTTPStatus.NOT_IMPLEMENTED:
        # The plugin's page reads the one here, and the other there.
        return {"error": answer.detail(language), "detail": answer.detail(language)}
    if answer.problems and answer.status in _NOT_THE_BODY:
        return {"error": problem_text(answer.problems[0], language)}
    if answer.problems:
        issues: list[ClassicIssue] = [
            {
                "code": problem.code,
                "path": [_unescaped(part) for part in problem.pointer.split("/")[1:]],
                "message": problem_text(problem, language),
            }
            for problem in answer.problems
        ]
        return {"success": False, "error": {"issues": issues, "name": "ZodError"}}
    return {"error": answer.detail(language) or message(answer.code, language)}


def _unescaped(part: str) -> str:
    """Read one part of a JSON pointer (RFC 6901 §4)."""
    return part.replace("~1", "/").replace("~0", "~")
