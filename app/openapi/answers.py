"""How a route declares its responses, beside the one that its signature shows.

    @post("/v1/runs", status_code=202, response_headers=headers("Location", "ETag"),
          responses=response(200, RunView, "it has ended") | errors("idempotency_conflict"))

What may happen on every route (no token, too many requests, a part that is away) is not declared:
app/openapi/usual_answers.py adds it to all of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from litestar.datastructures import ResponseHeader
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from app.http.problem_views import PROBLEM_JSON, ProblemView, problem_type
from app.http.problems import STATUS_OF
from events.messages import CATALOGUE

ANY_TYPE = "*/*"
"""Media type of an answer that is a file."""

HEADERS: Mapping[str, str] = {
    "Accept-Ranges": "bytes: a part can be requested with Range.",
    "Allow": "The methods that this address takes.",
    "Cache-Control": "How long a browser may keep the file; caches that others share may not.",
    "Content-Disposition": "inline, or attachment for what a browser could run.",
    "Content-Language": "The language of the messages: en or zh.",
    "Content-Length": "Bytes of this answer.",
    "Content-Range": "Which bytes these are, and how many the whole file has.",
    "ETag": "The version of this answer, for If-None-Match: a position, or a hash of the content.",
    "Idempotent-Replayed": "true when an earlier request with this Idempotency-Key was answered.",
    "Location": "The address of what was created.",
    "Preference-Applied": "The wait that was granted.",
    "RateLimit": "What is left of the limit, and for how many seconds.",
    "RateLimit-Policy": "How many requests are allowed in how many seconds.",
    "Retry-After": "Seconds after which it is worth trying again.",
    "WWW-Authenticate": "The authentication scheme that is expected.",
}
"""Every header of a response that means something to a client."""


def errors(*codes: str) -> dict[int, ResponseSpec]:
    """Document the errors of a route, by their stable codes.

    Raises:
        ValueError: no refusal has this code (app/http/problems.py).

    """
    unknown = [code for code in codes if code not in STATUS_OF]
    if unknown:
        raise ValueError(f"no refusal has these codes: {unknown}")
    by_status: dict[HTTPStatus, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        by_status[STATUS_OF[code]].append(code)
    return {int(status): _refusals(of_it) for status, of_it in by_status.items()}


def response(
    status: int, data: Any, description: str, *, media_type: str = "application/json"
) -> dict[int, ResponseSpec]:
    """Document another successful response, or the usual one where its type is not enough.

    Without *data* it has no body.
    """
    return {
        status: ResponseSpec(
            data_container=data,
            description=description,
            media_type=media_type,
            generate_examples=False,
        )
    }


def headers(*names: str) -> list[ResponseHeader]:
    """Document headers of a route's successful responses.

    Raises:
        KeyError: HEADERS does not explain the header.

    """
    return [
        ResponseHeader(name=name, description=HEADERS[name], documentation_only=True)
        for name in names
    ]


def _refusals(codes: Iterable[str]) -> ResponseSpec:
    codes = list(codes)
    return ResponseSpec(
        data_container=ProblemView,
        description=described(codes),
        media_type=PROBLEM_JSON,
        generate_examples=False,
        examples=[
            Example(id=code, summary=CATALOGUE[code], value=problem_example(code)) for code in codes
        ],
    )


def described(codes: Iterable[str]) -> str:
    """Return one line for each code with what it means."""
    return "\n".join(f"- `{code}`: {CATALOGUE[code]}" for code in codes)


def problem_example(code: str) -> dict[str, object]:
    """Return the body of an error."""
    return {
        "type": problem_type(code),
        "title": CATALOGUE[code],
        "status": int(STATUS_OF[code]),
        "code": code,
    }
