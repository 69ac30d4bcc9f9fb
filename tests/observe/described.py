"""Holds answers against the description of the API: nothing may be said that is not described."""

import json
import re
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import msgspec
from litestar.exceptions import LitestarDeprecationWarning

from app.main import build_app
from app.openapi.answers import ANY_TYPE
from app.openapi.document import openapi_document
from infra.settings.settings import settings_from
from tests.builders.settings import REQUIRED

Json = dict[str, Any]
METHODS = {"get", "put", "post", "delete", "patch"}


@cache
def described() -> Json:
    """Return the description, as every API process serves it."""
    # Litestar 2 warns of what 3 will want; pyproject.toml keeps to 2.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        document = openapi_document(build_app(settings_from(REQUIRED)))
    plain: Json = json.loads(msgspec.json.encode(document))
    return plain


def operations() -> Mapping[tuple[str, str], Json]:
    """Return every operation by its method and address."""
    return {
        (method.upper(), path): operation
        for path, item in described()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def find_operation(method: str, path: str) -> Json | None:
    """Return the operation that answers a request; one without parameters comes first."""
    fitting = [
        (template.count("{"), operation)
        for (its, template), operation in operations().items()
        if its == method and _pattern(template).fullmatch(path)
    ]
    return min(fitting, key=lambda found: found[0])[1] if fitting else None


async def check_described(answer: httpx.Response) -> None:
    """Check that an answer is one of those that are described; for a client's event hooks.

    Raises:
        AssertionError: it is not.

    """
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    body = await answer.aread() if media_type.endswith("json") else b""
    problem = check(answer.request.method, answer.url.path, answer.status_code, media_type, body)
    assert not problem, f"{answer.request.method} {answer.url.path}: {problem}"


def check(method: str, path: str, status: int, media_type: str, body: bytes) -> str:
    """Return what about an answer is not described; empty when all is."""
    operation = find_operation(method, path)
    if operation is None:
        return "" if status in {200, 204, 404, 405} else f"{status} where there is no operation"
    response = operation["responses"].get(str(status))
    if response is None:
        return f"{status} is not described: {body[:300]!r}"
    content = response.get("content") or {}
    if ANY_TYPE in content:
        return ""
    if media_type not in content and (media_type or content):
        return f"{status} has {media_type!r} in place of {[*content]}"
    if media_type.endswith("json"):
        return _schema_problem(content[media_type]["schema"], body, response["description"])
    return ""


def _schema_problem(schema: Json, body: bytes, words: str) -> str:
    value = json.loads(body)
    faults = [
        f"{error.message} at {error.instance_path}"
        for error in _validator(json.dumps(schema)).iter_errors(value)
    ]
    fields = value if isinstance(value, dict) else {}
    code = fields.get("code")
    if "urn:comfyd:problem" in str(fields.get("type")) and f"`{code}`" not in words:
        faults.append(f"the code {code} is not described")
    return "; ".join(faults)


@cache
def _validator(schema: str) -> Any:
    # By its text, since a dict has no hash.
    whole = {**json.loads(schema), "components": described()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    # A key of a file has slashes.
    whole = re.escape(template).replace(r"\{key\}", ".+")
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", whole))
