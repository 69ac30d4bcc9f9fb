"""Errors as the classic dialect tells them: its own shapes, with honest status codes."""

from http import HTTPStatus
from typing import Any, TypedDict

from litestar import MediaType, Request, Response

from app.language import language_of
from app.problems import Told, told
from events.messages import say


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
    """Why a request was refused; `error` says it, or else `message`."""

    success: bool
    code: int
    message: str
    error: str | ClassicIssues


def classic_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer with *error* as comfyui-deploy would."""
    answer = told(error)
    language = language_of(request.headers.get("accept-language", ""))
    if answer.status is HTTPStatus.UNAUTHORIZED:
        return Response(
            content="Invalid or expired token",
            status_code=int(answer.status),
            media_type=MediaType.TEXT,
            headers=answer.headers,
        )
    return Response(
        content=_body(answer, language),
        status_code=_status(answer),
        media_type=MediaType.JSON,
        headers=answer.headers,
    )


_NOT_THE_BODY = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"""What is wrong is nothing in the body, so there is nothing to point at."""


def _status(answer: Told) -> int:
    """Bad inputs are 400 here, as the dialect's clients expect."""
    if answer.status is HTTPStatus.UNPROCESSABLE_ENTITY:
        return int(HTTPStatus.BAD_REQUEST)
    return int(answer.status)


def _body(answer: Told, language: str) -> ClassicError:
    if answer.code == "malformed_json":
        return {"success": False, "message": "Malformed JSON in request body"}
    if answer.problems and answer.status in _NOT_THE_BODY:
        return {"error": answer.problems[0].text(language)}
    if answer.problems:
        issues: list[ClassicIssue] = [
            {
                "code": problem.code,
                "path": [_unescaped(part) for part in problem.pointer.split("/")[1:]],
                "message": problem.text(language),
            }
            for problem in answer.problems
        ]
        return {"success": False, "error": {"issues": issues, "name": "ZodError"}}
    return {"error": answer.detail or say(answer.code, {}, language)}


def _unescaped(part: str) -> str:
    """Read one part of a JSON pointer (RFC 6901 §4)."""
    return part.replace("~1", "/").replace("~0", "~")
