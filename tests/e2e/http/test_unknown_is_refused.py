"""What a route does not know it refuses by name, at every address: nothing is passed over."""

import pytest

from app.openapi.examples import BODIES
from tests.e2e.tenant import Json, Tenant
from tests.observe.described import operations

pytestmark = pytest.mark.anyio

GUARDED = {at: operation for at, operation in operations().items() if operation["security"]}
NO_ID = "00000000-0000-4000-8000-000000000000"


def address(path: str, operation: Json) -> str:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            value = 1 if parameter["schema"].get("type") == "integer" else NO_ID
            path = path.replace(f"{{{parameter['name']}}}", str(value))
    return path


def named(told: Json) -> list[tuple[str, str]]:
    """Return code and place of every fault, in either dialect."""
    if isinstance(told.get("error"), dict):
        return [(i["code"], "/" + "/".join(i["path"])) for i in told["error"]["issues"]]
    return [(fault["code"], fault["pointer"]) for fault in told.get("errors") or ()]


async def test_every_route_refuses_a_parameter_that_it_does_not_know(ada: Tenant) -> None:
    told = {}
    for (method, path), operation in GUARDED.items():
        answer = await ada.http.request(method, address(path, operation), params={"limti": "1"})
        told[method, path] = (answer.status_code, named(answer.json()))
    assert told == dict.fromkeys(GUARDED, (400, [("parameter_unknown", "/limti")]))


async def test_every_route_refuses_a_field_that_it_does_not_know(ada: Tenant) -> None:
    told = {}
    for (method, path), operation in GUARDED.items():
        if "requestBody" in operation:
            body = next(iter(BODIES[operation["operationId"]].values()))
            answer = await ada.http.request(
                method, address(path, operation), json={**body, "dry_rnu": True}
            )
            told[method, path] = (answer.status_code, named(answer.json()))
    assert len(told) > 10
    assert told == dict.fromkeys(told, (400, [("field_unknown", "/dry_rnu")]))


async def test_every_route_refuses_a_body_that_it_does_not_read(ada: Tenant) -> None:
    told = {}
    for (method, path), operation in GUARDED.items():
        if method != "GET" and "requestBody" not in operation:
            answer = await ada.http.request(
                method, address(path, operation), json={"dry_run": True}
            )
            told[method, path] = (answer.status_code, named(answer.json()))
    assert len(told) > 5
    assert told == dict.fromkeys(told, (400, [("body_unexpected", "")]))


@pytest.mark.parametrize("body", [None, b"", b"{}", b" null "])
async def test_a_body_that_says_nothing_is_no_obstacle(ada: Tenant, body: bytes | None) -> None:
    answer = await ada.http.post(f"/v1/runs/{NO_ID}/cancel", content=body)
    assert answer.status_code == 404
