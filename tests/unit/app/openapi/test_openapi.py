"""The description of the API is whole: nothing without a name, a meaning, an example."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from app.api import health
from app.auth.caller import (
    ForeignOrigin,
    FormRefused,
    SessionEnded,
    SignInLinkExpired,
    SignInLinkUsed,
    SignInRefused,
)
from app.http.problems import STATUS_OF
from app.main import GUARDED_ROUTES
from app.openapi import errors, headers
from app.openapi.answers import ANY_TYPE
from app.openapi.example_answers import example_answers
from app.openapi.examples import BODIES
from app.openapi.words import TAGS
from tests.observe.described import described, operations

OPERATIONS = [
    pytest.param(method, path, operation, id=operation["operationId"])
    for (method, path), operation in operations().items()
]
every_operation = pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
Json = dict[str, Any]


def nodes(value: Any) -> Iterator[Json]:
    """Yield every object in a document."""
    if isinstance(value, dict):
        yield value
    for item in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from nodes(item)


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in described()["components"]["schemas"]}
    used = {node["$ref"] for node in nodes(described()) if isinstance(node.get("$ref"), str)}
    assert used - known == set()
    assert "#/components/schemas/Problem" in used


def test_schemas_have_the_names_that_clients_see() -> None:
    names = described()["components"]["schemas"]
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", name) for name in names), list(names)
    assert {"Run", "RunList", "Machine", "Problem"} <= set(names)
    assert not [name for name in names if name.endswith("View")]


@every_operation
def test_an_operation_is_named_and_explained(method: str, path: str, operation: Json) -> None:
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]*)+", operation["operationId"])
    assert operation["summary"]
    assert operation["description"]
    assert set(operation["tags"]) <= set(TAGS)
    assert all(p["description"] and p["schema"] for p in operation.get("parameters", ()))
    assert {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"} == set(
        re.findall(r"\{(\w+)\}", path)
    ), method


@every_operation
def test_an_operation_says_who_may_ask(method: str, path: str, operation: Json) -> None:
    open_to_all = path.startswith(("/health", "/files"))
    assert bool(operation["security"]) is not open_to_all, method
    assert ({"401", "403", "503"} <= set(operation["responses"])) is not open_to_all


@every_operation
def test_every_answer_has_a_meaning_and_a_shape(method: str, path: str, operation: Json) -> None:
    for status, response in operation["responses"].items():
        assert response["description"], (method, path, status)
        shapes = [content["schema"] for content in response.get("content", {}).values()]
        assert all(shapes), (method, path, status)
        assert shapes or status in {"204", "304"}, (method, path, status)


@every_operation
def test_a_body_has_examples_that_fit_its_schema(method: str, path: str, operation: Json) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        assert content["examples"], (
            f"{operation['operationId']} has none in app/openapi/examples.py"
        )
        schema = content["schema"] | {"components": described()["components"]}
        for example in content["examples"].values():
            jsonschema_rs.validate(schema, example["value"])
    assert "requestBody" in operation or operation["operationId"] not in BODIES, (method, path)


@every_operation
def test_every_answer_has_examples_that_fit_its_schema(
    method: str, path: str, operation: Json
) -> None:
    for status, response in operation["responses"].items():
        for media_type, content in (response.get("content") or {}).items():
            # Bytes of a picture would be no help.
            assert content.get("examples") or media_type == ANY_TYPE, (
                f"{method} {path} {status} has none: let a test of tests/e2e keep it, "
                "and `make answers` write it down"
            )
            whole = content["schema"] | {"components": described()["components"]}
            validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            for example in content.get("examples", {}).values():
                validator.validate(example["value"])


def test_every_example_of_an_answer_is_of_an_answer() -> None:
    known = {
        f"{method} {path} {status}"
        for (method, path), operation in operations().items()
        for status in operation["responses"]
    }
    told = {" ".join(key.split(" ")[:3]) for key in example_answers()}
    assert told - known == set()


def test_examples_of_streams_are_streams() -> None:
    of_streams = re.compile(r"/(events|changes) ")
    streams = {key: value for key, value in example_answers().items() if of_streams.search(key)}
    assert len(streams) == 4
    for stream in streams.values():
        assert re.search(r"^retry: \d+\nid: \d+\nevent: [a-z._]+\ndata: \{", stream)
        assert stream.endswith("\n\n")


def test_every_example_is_of_an_operation() -> None:
    names = {operation["operationId"] for operation in operations().values()}
    assert BODIES.keys() - names == set()
    assert len(names) == len(operations())


OF_PAGES = (
    SessionEnded,
    SignInLinkExpired,
    SignInLinkUsed,
    SignInRefused,
    FormRefused,
    ForeignOrigin,
)


def test_every_error_is_an_answer_of_some_operation() -> None:
    told = json.dumps(described()["paths"])
    # Of routes that do nothing, and are not described.
    of_no_operation = {"no_such_route", "method_not_allowed", "not_supported"}
    of_workers = {"illegal_transition"}
    of_machines = {"callback_late"}
    of_pages = {kind.code for kind in OF_PAGES}
    untold = {code for code in STATUS_OF if f"`{code}`" not in told}
    assert untold - of_no_operation - of_workers - of_machines - of_pages == set()


def test_every_route_states_its_name() -> None:
    # A name that follows from an address or a function would change with it, and break clients.
    unnamed = [
        handler
        for handler in [*GUARDED_ROUTES, *health.ROUTES]
        if not isinstance(handler.operation_id, str)
    ]
    assert unnamed == []


def test_a_refusal_that_nobody_tells_cannot_be_described() -> None:
    with pytest.raises(ValueError, match="no_such_code"):
        errors("not_found", "no_such_code")


def test_a_header_that_nobody_has_explained_cannot_be_described() -> None:
    with pytest.raises(KeyError):
        headers("X-Unheard-Of")
