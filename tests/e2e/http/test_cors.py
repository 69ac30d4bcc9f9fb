"""Browsers of any origin may read every answer, errors among them."""

import httpx
import pytest

from tests.e2e.graphs import MISSING
from tests.e2e.system import System
from tests.e2e.tenant import Tenant

ORIGINS = ["https://app.example", "null"]
ROUTES = [
    ("POST", "/api/run"),
    ("GET", "/api/run?run_id=x"),
    ("GET", f"/api/status/{MISSING}"),
    ("POST", "/api/create-run"),
    ("POST", "/api/get-presigned-upload-url"),
    ("GET", "/api/upload-url"),
    ("POST", "/api/workflow"),
    ("POST", "/api/cleanup-run-data"),
    ("POST", "/api/upload"),
    ("GET", "/api/workflows"),
    ("GET", f"/api/workflow/{MISSING}"),
    ("GET", f"/api/workflow/{MISSING}/versions"),
    ("GET", f"/api/workflow/{MISSING}/version/1"),
    ("POST", f"/api/workflow/{MISSING}/version"),
    ("GET", f"/api/workflow-version/{MISSING}"),
    ("GET", f"/api/machine/{MISSING}"),
    ("GET", "/api/deployments"),
    ("POST", "/v1/runs"),
    ("GET", "/v1/runs"),
    ("GET", f"/v1/runs/{MISSING}"),
    ("GET", f"/v1/runs/{MISSING}/events"),
    ("POST", f"/v1/runs/{MISSING}/cancel"),
    ("POST", f"/v1/runs/{MISSING}/ticket"),
    ("POST", "/v1/machines"),
    ("GET", "/v1/machines"),
    ("POST", "/v1/workflows"),
    ("GET", "/v1/workflows"),
    ("GET", f"/v1/workflows/{MISSING}"),
    ("PUT", f"/v1/workflows/{MISSING}/deployments/production"),
    ("GET", "/v1/deployments"),
    ("GET", f"/v1/deployments/{MISSING}"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/nowhere"),
    ("DELETE", "/v1/runs"),
]


@pytest.mark.parametrize("origin", ORIGINS)
async def test_every_answer_may_be_read(ada: Tenant, origin: str) -> None:
    answers = [
        await ada.http.request(method, path, headers={"Origin": origin}) for method, path in ROUTES
    ]

    assert {answer.headers.get("Access-Control-Allow-Origin") for answer in answers} == {"*"}
    # With every kind of outcome among them.
    assert {answer.status_code for answer in answers} >= {200, 400, 404, 405}


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_refusal_for_want_of_a_token_may_be_read(system: System, origin: str) -> None:
    async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40) as stranger:
        answers = [
            await stranger.request(method, path, headers={"Origin": origin}, json={})
            for method, path in ROUTES
            if not path.startswith(("/health", "/nowhere")) and method != "DELETE"
        ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers.get("Access-Control-Allow-Origin") for answer in answers} == {"*"}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(("method", "path"), ROUTES[:-2])
async def test_a_preflight_is_granted_without_a_token(
    system: System, method: str, path: str, origin: str
) -> None:
    wanted = "authorization, content-type, idempotency-key, last-event-id, prefer, if-none-match"
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": wanted,
    }
    async with httpx.AsyncClient(base_url=system.url, trust_env=False, timeout=40) as stranger:
        answer = await stranger.options(path, headers=headers)

    granted = answer.headers["Access-Control-Allow-Headers"].lower()
    assert answer.status_code in {200, 204}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert method in answer.headers["Access-Control-Allow-Methods"]
    assert set(wanted.split(", ")) <= {name.strip() for name in granted.split(",")}


async def test_a_page_may_read_the_headers_that_matter(ada: Tenant) -> None:
    answer = await ada.http.get("/v1/runs", headers={"Origin": ORIGINS[0]})

    exposed = answer.headers["Access-Control-Expose-Headers"].lower()
    for header in ("etag", "location", "retry-after", "idempotent-replayed"):
        assert header in exposed
