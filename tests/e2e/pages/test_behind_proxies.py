"""Pages work by https below a path of a proxy's: no link leaves it, also for who was signed out.

The path stands in no setting; `Host` alone is passed on.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from infra.embedded.ports import LOOPBACK
from tests.e2e.graphs import card
from tests.e2e.proxies import KINDS, Kind, Proxy, replaced, running
from tests.e2e.signing_in import link_for
from tests.e2e.system import System
from tests.e2e.tenant import Tenant

SOON = 15_000
"""Milliseconds, on a busy machine."""

LINKS = """
() => ["href", "action", "src"].flatMap((name) =>
  [...document.querySelectorAll(`[${name}]`)].map((element) => element.getAttribute(name))
).map((link) => new URL(link, document.baseURI).href)
"""

BELOW = {
    "nginx": ("location / {", "location / {\n        rewrite ^/below(/.*)$ $1 break;"),
    "caddy": ("\tencode gzip", "\tencode gzip\n\turi strip_prefix /below"),
}
"""What the configuration that the documentation shows needs more."""


def below(kind: Kind) -> Kind:
    """Return a kind of proxy that has the pages below a path; what is beside it works as well."""
    return Kind(
        name=kind.name,
        config=lambda *where: replaced(kind.config(*where), BELOW[kind.name]),
        command=kind.command,
        env=kind.env,
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            below(kind),
            id=kind.name,
            marks=pytest.mark.skipif(not kind.program, reason="none here"),
        )
        for kind in KINDS
        if kind.name in BELOW
    ],
)
async def proxy(
    system: System, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Proxy]:
    """Run an API behind a proxy."""
    kind: Kind = request.param
    folder: Path = tmp_path_factory.mktemp("below")
    url = system.start_another_api("api-below", COMFYD_TRUSTED_PROXIES=LOOPBACK)
    await system.until_ready(url)
    async with running(kind, folder, url) as started:
        yield started
    system.end("api-below")


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Yield a page of a browser that was never here, and takes the proxy's certificate."""
    context = await browser.new_context(locale="en-GB", ignore_https_errors=True)
    yield await context.new_page()
    await context.close()


async def test_no_link_leaves_the_path_and_an_ended_session_leads_back(
    proxy: Proxy, page: Page, system: System, eve: Tenant
) -> None:
    base, asked = f"{proxy.url}/below", list[str]()
    page.on("request", lambda request: asked.append(request.url))
    deployment = await eve.deploy(card(), name="card")
    await eve.run(deployment)
    await page.goto(link_for(system, "eve", url=base))
    await page.locator("main form button").click()
    await page.wait_for_url(f"{base}/")
    await expect(page.locator("[data-now=live]")).to_be_visible(timeout=SOON)
    await assert_all_below(page, base)
    cookies = [cookie["name"] for cookie in await page.context.cookies()]
    assert f"__Host-comfyd-session-{proxy.url.rpartition(':')[2]}" in cookies

    await page.get_by_role("link", name="Runs", exact=True).click()
    await page.wait_for_url(f"{base}/runs")
    await expect(page.locator("[data-now=live]")).to_be_visible(timeout=SOON)
    # The list is fetched again, as a part of the page, and its links are those of the page.
    made = (await eve.run(deployment))["id"]
    await expect(page.locator("table.runs")).to_contain_text(made, timeout=SOON)
    await assert_all_below(page, base)

    await end_all_sessions(eve)
    await page.wait_for_url(f"{base}/sign-in?next=runs", timeout=SOON)
    key = (await eve.http.post("/v1/keys", json={"name": "k", "scopes": ["admin"]})).json()["key"]
    await page.fill("input[name=key]", key)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{base}/runs")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url(f"{base}/sign-in")
    outside = [url for url in asked if url.startswith(proxy.url) and not url.startswith(f"{base}/")]
    assert outside == []


async def assert_all_below(page: Page, base: str) -> None:
    origin = base.rpartition("/")[0]
    links: list[str] = await page.evaluate(LINKS)
    assert len(links) > 5
    assert [link for link in links if link.startswith(origin) and not link.startswith(base)] == []


async def end_all_sessions(tenant: Tenant) -> None:
    for session in (await tenant.http.get("/v1/sessions?limit=100")).json()["data"]:
        await tenant.http.delete(f"/v1/sessions/{session['id']}")
