"""The state of the connection is true, however the scripts of a page arrive."""

import asyncio

from playwright.async_api import Browser, Route, expect

from tests.e2e.pages.visits import sign_in
from tests.e2e.signing_in import link_for
from tests.e2e.system import System

SLOW = 1.5
"""Seconds that a module is on its way: longer than the stream needs."""


async def test_a_module_that_comes_late_finds_the_page_live(
    browser: Browser, system: System
) -> None:
    async def late(route: Route) -> None:
        await asyncio.sleep(SLOW)
        await route.continue_()

    context = await browser.new_context()
    await sign_in(context, link_for(system, "quiet"))
    page = await context.new_page()
    await page.route("**/scripts/live.js", late)
    await page.goto(system.url)
    # Nothing happens to this tenant: no message heals what was missed.
    await expect(page.locator(".connection")).to_have_attribute("data-now", "live", timeout=15_000)
    await context.close()
