"""Errors in the shapes of the classic dialect, with honest status codes."""

from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response

from app.api.classic.error_bodies import NOT_KNOWN, error_body
from app.auth.caller import TicketExpired, TicketRevoked
from app.http.language import language_of
from app.http.problems import ErrorResponse, error_response

OF_TICKETS = (TicketExpired, TicketRevoked)


def classic_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer with *error* as comfyui-deploy would."""
    answer = error_response(error)
    language = language_of(request.headers.get("accept-language", ""))
    # A page of ComfyUI that opens a version by an old link shows its person what `error` says.
    if answer.status is HTTPStatus.UNAUTHORIZED and not isinstance(error, OF_TICKETS):
        return Response(
            content=NOT_KNOWN,
            status_code=int(answer.status),
            media_type=MediaType.TEXT,
            headers=answer.headers,
        )
    return Response(
        content=error_body(answer, language),
        status_code=_status(answer),
        media_type=MediaType.JSON,
        headers=answer.headers,
    )


def _status(answer: ErrorResponse) -> int:
    """Bad inputs are 400 here, as the dialect's clients expect."""
    if answer.status is HTTPStatus.UNPROCESSABLE_ENTITY:
        return int(HTTPStatus.BAD_REQUEST)
    return int(answer.status)
