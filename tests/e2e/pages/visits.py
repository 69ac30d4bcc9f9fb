"""How tests open a page: signed in, watched for violations of its policy, and photographed."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import BrowserContext, Page

VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

Visit = Callable[..., Awaitable[Page]]


async def sign_in(context: BrowserContext, link: str) -> None:
    """Sign a browser in by a link, as a person does."""
    page = await context.new_page()
    await page.goto(link)
    await page.locator("main form button").click()
    await page.wait_for_url(lambda url: "sign-in" not in url)
    await page.close()


async def photograph(page: Page, name: str) -> None:
    """Keep a picture of a page where PICTURES_OF_PAGES says, for people to look at."""
    if folder := os.environ.get("PICTURES_OF_PAGES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
