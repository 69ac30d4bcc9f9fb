"""A browser for tests of pages, and people who open them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.e2e.pages.visits import VIOLATIONS, Visit, sign_in
from tests.e2e.signing_in import link_for
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of
from tests.observe.browser import CHROMIUM, SWITCHES


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Yield a browser, or skip where there is none."""
    if not CHROMIUM:
        pytest.skip("no Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield started
        await started.close()


@pytest.fixture
async def visit(browser: Browser, system: System) -> AsyncIterator[Visit]:
    """Return a function that opens a page as a user; it must break no rule and raise nothing."""
    contexts: list[BrowserContext] = []
    pages: list[Page] = []
    raised: list[str] = []

    async def opened(path: str, *, user: str, url: str = system.url, **options: Any) -> Page:
        context = await browser.new_context(locale="en-GB", **options)
        contexts.append(context)
        await context.add_init_script(VIOLATIONS)
        await sign_in(context, link_for(system, user, url=url))
        page = await context.new_page()
        page.on("pageerror", lambda error: raised.append(str(error)))
        await page.goto(f"{url}{path}")
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert await page.evaluate("window.violations") == []
    for context in contexts:
        await context.close()
    assert raised == []


@pytest.fixture
async def eve(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant who looks at pages."""
    async with client_of(system, "eve") as http:
        yield Tenant(http, system.machine_url)
