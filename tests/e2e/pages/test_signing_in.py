"""A real browser signs in three ways, and pages of other origins do nothing in its name."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.e2e.pages.visits import photograph, sign_in
from tests.e2e.signing_in import link_for
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.servers.sign_in_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    SignInProvider,
    running_sign_in_provider,
)

SOON = 15_000
"""Milliseconds, on a busy machine."""


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Yield a browser that was never here."""
    fresh = await browser.new_context(locale="en-GB")
    yield fresh
    await fresh.close()


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """Return an empty page of it."""
    return await context.new_page()


async def test_by_a_link_with_the_keyboard_alone(system: System, page: Page) -> None:
    await page.goto(link_for(system, "eve"))
    await photograph(page, "sign-in-link")
    await page.locator("main form button").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{system.url}/")
    await page.goto(f"{system.url}/sessions")
    await photograph(page, "sessions")
    assert "one-time link" in await page.inner_text("main")


async def test_a_browser_signs_another_one_out_with_the_keyboard_alone(
    system: System, context: BrowserContext, page: Page, browser: Browser
) -> None:
    await sign_in(context, link_for(system, "two browsers"))
    other = await browser.new_context(locale="en-GB")
    await sign_in(other, link_for(system, "two browsers"))
    left_open = await other.new_page()
    await left_open.goto(f"{system.url}/runs")
    await page.goto(f"{system.url}/sessions")
    await expect(page.locator("main form")).to_have_count(1)
    await page.locator("#main").focus()
    await page.keyboard.press("Tab")
    await expect(page.locator(":focus")).to_have_text(re.compile("Sign out"))
    await page.keyboard.press("Enter")
    await expect(page.locator("main form")).to_have_count(0)
    # The page that was left open there comes to the sign-in by itself.
    await left_open.wait_for_url(f"{system.url}/sign-in?next=runs", timeout=SOON)
    await other.close()


async def test_a_link_in_two_tabs_signs_one_browser_in_and_no_other(
    system: System, context: BrowserContext, browser: Browser
) -> None:
    link = link_for(system, "eve")
    tabs = [await context.new_page() for _ in range(2)]
    for tab in tabs:
        await tab.goto(link)
    for tab in tabs:
        # The link is used up for the second, but its browser is in by now.
        await tab.locator("main form button").click()
        await tab.wait_for_url(f"{system.url}/")

    other = await browser.new_context(locale="en-GB")
    page = await other.new_page()
    await page.goto(link)
    await page.locator("main form button").dblclick()
    await page.get_by_role("alert").wait_for()
    assert "was used before" in await page.inner_text("main")
    await other.close()


async def test_by_a_key_and_back_to_the_page_that_was_wanted(
    system: System, eve: Tenant, page: Page
) -> None:
    made = await eve.http.post("/v1/keys", json={"name": "k", "scopes": ["runs:read"]})
    await page.goto(f"{system.url}/sessions")
    assert "/sign-in?next=sessions" in page.url
    await photograph(page, "sign-in")
    await page.fill("input[name=key]", "nonsense")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    await page.fill("input[name=key]", made.json()["key"])
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{system.url}/sessions")
    assert "API key" in await page.inner_text("main")


async def test_by_the_identity_provider(system: System, page: Page) -> None:
    async with running_sign_in_provider() as provider, client_of_it(system, provider) as url:
        await page.goto(f"{url}/sessions")
        await page.get_by_role("link", name="Sign in with your organisation's account").click()
        # Comes back from another site, by a page that asks again for itself.
        await page.wait_for_url(f"{url}/sessions")
        assert "identity provider" in await page.inner_text("main")


@asynccontextmanager
async def client_of_it(system: System, provider: SignInProvider) -> AsyncIterator[str]:
    """Start an API that is a client of a provider; yield its URL."""
    url = system.start_another_api(
        "api of a provider",
        AUTH_ISSUER=provider.url,
        AUTH_JWKS_URL=f"{provider.url}/keys",
        AUTH_AUDIENCE="the API",
        AUTH_CLIENT_ID=CLIENT_ID,
        AUTH_CLIENT_SECRET=CLIENT_SECRET,
    )
    await system.until_ready(url)
    yield url
    system.end("api of a provider")


async def test_signing_out_leads_to_the_sign_in(
    system: System, context: BrowserContext, page: Page
) -> None:
    await sign_in(context, link_for(system, "eve"))
    await page.goto(f"{system.url}/sessions")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url(f"{system.url}/sign-in")
    await page.goto(f"{system.url}/sessions")
    assert "/sign-in" in page.url


async def test_a_page_on_another_port_changes_nothing(
    system: System, context: BrowserContext, page: Page
) -> None:
    await sign_in(context, link_for(system, "eve"))
    form = f'<form method="post" action="{system.url}/sign-out"><button>x</button></form>'
    framed = form.replace('"', "&quot;")
    async with another_site(
        form + f'<iframe sandbox="allow-forms allow-scripts" srcdoc="{framed}"></iframe>'
    ) as url:
        # It has the cookie sent: cookies ignore ports, and a site has none.
        await page.goto(url)
        async with page.expect_response(f"{system.url}/sign-out") as refused:
            await page.locator("form button").first.click()
        answer = await refused.value
        assert "comfyd-session" in (await answer.request.all_headers()).get("cookie", "")
        assert answer.status == 403

        await page.goto(url)
        async with page.expect_response(f"{system.url}/sign-out") as refused:
            await page.frame_locator("iframe").locator("button").click()
        answer = await refused.value
        assert (await answer.request.all_headers())["origin"] == "null"
        assert answer.status in {303, 403}, "to the sign-in where it comes without the cookie"

        await page.goto(url)
        script = "url => fetch(url, {credentials: 'include'}).then(() => 'read', () => 'refused')"
        assert await page.evaluate(script, f"{system.url}/sessions") == "refused"
    await page.goto(f"{system.url}/sessions")
    assert page.url == f"{system.url}/sessions"


@asynccontextmanager
async def another_site(body: str) -> AsyncIterator[str]:
    """Serve a page on another port of this host."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=f"<!doctype html>{body}", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()
