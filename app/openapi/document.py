"""Completes what Litestar makes of the routes: names, headings, errors, headers and examples.

What every route has in common is added here. So a new route is described in full by its
signature, its docstring and what it declares with `errors`, `response` and `headers`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from app.auth.scopes import OPT, TICKET
from app.http.dialect import DIALECT
from app.openapi.answers import ANY_TYPE
from app.openapi.example_answers import add_example_answers
from app.openapi.examples import BODIES
from app.openapi.parameters import tidy_parameter
from app.openapi.schemas import tidy_schemas
from app.openapi.structs import first_paragraph
from app.openapi.usual_answers import add_usual_answers, error_schemas
from app.openapi.words import BYTES, GOOD_ANSWERS, MESSAGES, ORGANISATION, TAGS

Json = dict[str, Any]
HEADINGS: Mapping[str, str] = {
    "aliases": "Classic",
    "api": "Classic",
    "changes": "Events",
    "doctor": "Health",
    "files": "Files",
    "health": "Health",
    "me": "Keys",
    "statistics": "Runs",
    "tokens": "Keys",
}
"""Headings of the operations that have none of their own, by the first part of their address."""


@cache
def whole_document(app: Litestar) -> Json:
    """Return the document of an application, made once: that takes half a second."""
    return openapi_document(app)


def openapi_document(app: Litestar) -> Json:
    """Return the OpenAPI document of *app*."""
    document = tidy_schemas(app.openapi_schema.to_schema())
    document["components"]["schemas"] |= error_schemas()
    for path, method, handler in _handlers(app):
        operation = document["paths"][path][method.lower()]
        _describe(operation, path, handler)
        _describe_answers(operation, document["components"]["schemas"])
        add_usual_answers(
            operation, needs_caller=OPT in handler.opt, dialect=handler.opt.get(DIALECT)
        )
        add_example_answers(operation, method, path)
    used = {o["tags"][0] for item in document["paths"].values() for o in item.values()}
    document["tags"] = [
        {"name": name, "description": words} for name, words in TAGS.items() if name in used
    ]
    return document


def _handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if isinstance(route, HTTPRoute) and handler.resolve_include_in_schema():
                yield route.path_format, method, handler


def _describe(operation: Json, path: str, handler: HTTPRouteHandler) -> None:
    words = first_paragraph(operation.get("description"))
    # The first sentence is the title of the operation; all of it is the text below.
    operation["summary"] = re.split(r"(?<=[.;:]) ", words)[0].rstrip(".;:")
    operation["tags"] = [_heading(path)]
    operation.pop("deprecated", None)
    for parameter in operation.get("parameters", ()):
        tidy_parameter(parameter)
    if OPT in handler.opt:
        operation.setdefault("parameters", []).append(ORGANISATION)
    operation["security"] = _security(handler)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["examples"] = _examples(operation["operationId"])


def _heading(path: str) -> str:
    parts = [part for part in path.split("/") if part and part[0] != "{"]
    if "deployments" in parts:
        return "Deployments"
    first = parts[0] if parts[0] in HEADINGS else parts[1]
    return HEADINGS.get(first) or first.capitalize()


def _describe_answers(operation: Json, schemas: Json) -> None:
    for status, response in operation["responses"].items():
        of_the_framework = response["description"] == HTTPStatus(int(status)).description
        words = [GOOD_ANSWERS.get(status, "")] if of_the_framework else [response["description"]]
        for media_type, content in (response.get("content") or {}).items():
            if media_type == "text/event-stream":
                content["schema"] = {"description": MESSAGES}
            if media_type == ANY_TYPE:
                content["schema"] = {"description": BYTES}
            shape = content["schema"].get("$ref", "").rpartition("/")[2]
            words += [schemas[shape].get("description", "")] if of_the_framework and shape else []
        # A TypedDict has no description of its own.
        response["description"] = " ".join(filter(None, words)) or operation["summary"] + "."


def _examples(name: str) -> Mapping[str, Json]:
    return {
        re.sub(r"\W+", "_", title.lower()): {"summary": title, "value": value}
        for title, value in BODIES.get(name, {}).items()
    }


def _security(handler: HTTPRouteHandler) -> list[Json]:
    """Return the accepted credentials with their scopes: any one of these is enough."""
    found: list[Json] = [{"bearer": [scope]} for scope in sorted(handler.opt.get(OPT, ()))]
    return [*found, {"ticket": []}] if handler.opt.get(TICKET) else found
