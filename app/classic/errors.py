"""Errors as the classic dialect tells them: its own shapes, with honest status codes."""

from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response

from app.problems import Told, language_of, told
from events.messages import say


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


def _status(answer: Told) -> int:
    """Bad inputs are 400 here, as the dialect's clients expect."""
    if answer.status is HTTPStatus.UNPROCESSABLE_ENTITY:
        return int(HTTPStatus.BAD_REQUEST)
    return int(answer.status)


def _body(answer: Told, language: str) -> dict[str, Any]:
    if answer.code == "malformed_json":
        return {"success": False, "message": "Malformed JSON in request body"}
    if answer.problems:
        issues = [
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
