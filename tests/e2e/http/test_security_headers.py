"""What browsers are told about every answer: type, framing, referrers, content, caches, https."""

from collections.abc import AsyncIterator

import httpx
import pytest

from infra.embedded.ports import LOOPBACK
from tests.e2e.graphs import MISSING, card
from tests.e2e.system import System
from tests.e2e.tenant import Tenant

DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
ROUTES = [
    ("GET", "/v1/runs", 200),
    ("GET", "/v1/runs?limit=0", 400),
    ("GET", f"/v1/runs/{MISSING}", 404),
    ("GET", f"/v1/runs/{MISSING}/events", 404),
    ("POST", "/v1/runs", 400),
    ("POST", "/api/run", 400),
    ("DELETE", "/v1/runs", 405),
    ("GET", "/nowhere", 404),
    ("GET", "/health/live", 200),
    ("GET", "/health/ready", 200),
    ("GET", "/openapi.json", 200),
    ("OPTIONS", "/v1/runs", 204),
]


@pytest.fixture(scope="module")
async def behind_proxy(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of an API that trusts a proxy on this machine."""
    url = system.start_another_api("api-proxied", COMFYD_TRUSTED_PROXIES=LOOPBACK)
    await system.until_ready(url)
    headers = {"Authorization": f"Bearer {system.token('ada')}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, trust_env=False, timeout=40
    ) as http:
        yield http
    system.end("api-proxied")


@pytest.mark.parametrize(("method", "path", "status"), ROUTES)
async def test_every_answer_says_that_it_is_only_data(
    ada: Tenant, method: str, path: str, status: int
) -> None:
    answer = await ada.http.request(method, path, json=[] if method == "POST" else None)

    assert answer.status_code == status, answer.text
    told = {name: answer.headers.get_list(name) for name in _EXPECTED}
    assert told == {name: [value] for name, value in _EXPECTED.items()}
    assert "Strict-Transport-Security" not in answer.headers
    assert ("Allow" in answer.headers) == (status in {204, 405})


_EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": DATA_POLICY,
    "Cache-Control": "no-store",
}


async def test_what_may_be_kept_says_so_itself(ada: Tenant) -> None:
    run = await ada.run(await ada.deploy(card()))
    path = f"/v1/runs/{run['id']}"
    read = await ada.http.get(path)
    unchanged = await ada.http.get(path, headers={"If-None-Match": read.headers["ETag"]})

    assert read.headers.get_list("Cache-Control") == ["private, no-cache"]
    assert unchanged.status_code == 304
    assert "no-store" not in unchanged.headers.get("Cache-Control", "")


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/assets/swagger-ui.css"])
async def test_the_page_may_run_its_own_scripts_and_nobody_elses(ada: Tenant, path: str) -> None:
    answer = await ada.http.get(path)

    policy = dict(
        rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";")
    )
    assert answer.is_success
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy["script-src"] == "'self'"
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "http" not in answer.headers["Content-Security-Policy"]


async def test_https_is_insisted_on_only_where_it_was_used(
    ada: Tenant, behind_proxy: httpx.AsyncClient
) -> None:
    https = {"X-Forwarded-Proto": "https"}
    plain = await behind_proxy.get("/v1/runs")
    secure = await behind_proxy.get("/v1/runs", headers=https)
    from_nobody = await ada.http.get("/v1/runs", headers=https)

    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in plain.headers
    assert "Strict-Transport-Security" not in from_nobody.headers
