"""What operations are called, and under which heading they stand; both follow from the address.

A name is a verb and its noun, as generated clients call the function: `createRun`, `listBatchRuns`.
It is a contract: an address that stays keeps its name.
"""

import re
from collections.abc import Mapping, Sequence

from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from app.openapi.words import NAMES

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_VERSION = re.compile(r"v\d+")
_HEADINGS: Mapping[str, str] = {
    "api": "Classic",
    "doctor": "Health",
    "health": "Health",
    "me": "Keys",
    "tokens": "Keys",
}
"""Where operations stand that have no heading of their own."""

_OF_ONE: Mapping[str, str] = {
    "GET": "get",
    "PUT": "set",
    "PATCH": "update",
    "DELETE": "delete",
}


def operation_id(
    _: HTTPRouteHandler, method: Method | HttpMethod, parts: Sequence[str | PathParameterDefinition]
) -> str:
    """Name an operation for Litestar, which hands over the parts of its address."""
    texts = (part if isinstance(part, str) else f"{{{part.name}}}" for part in parts)
    return name_of(HttpMethod(method).value, "/" + "/".join(texts))


def name_of(method: str, path: str) -> str:
    """Name an operation by its method and address, such as /v1/runs/{run_id}/cancel."""
    path = _PARAMETER.sub(r"{\1}", path)
    if known := NAMES.get(f"{method} {path}"):
        return known
    parts = [part for part in path.split("/") if part and not _VERSION.fullmatch(part)]
    *before, last = parts
    owners = "".join(_capital(singular(part)) for part in before if part[0] != "{")
    if last[0] == "{":
        return _OF_ONE[method] + owners
    if method == "GET":
        is_list = last.endswith("s")
        return ("list" if is_list else "get") + owners + _capital(last)
    if last.endswith("s"):
        return "create" + owners + _capital(singular(last))
    # What is left are verbs: POST /v1/runs/{run_id}/cancel.
    of_all = bool(before) and before[-1][0] != "{"
    return last + (owners + "s" if of_all else owners)


def tag_of(path: str) -> str:
    """Give the heading under which an operation stands."""
    parts = [part for part in path.split("/") if part and part[0] != "{"]
    if "deployments" in parts:
        return "Deployments"
    first = parts[0] if parts[0] in _HEADINGS else parts[1]
    return _HEADINGS.get(first) or _capital(first)


def singular(word: str) -> str:
    """Give one of what a word names many of."""
    if word.endswith("ches"):
        return word[:-2]
    return word.removesuffix("s")


def _capital(word: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W", word))
