"""How tests open a page: signed in, watched for violations of its policy, and photographed."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import BrowserContext, Page, Route

VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

Visit = Callable[..., Awaitable[Page]]


async def sign_in(context: BrowserContext, url: str, token: str) -> None:
    """Make a browser act for the owner of a token, at the comfyd of this address."""

    async def authorised(route: Route) -> None:
        headers = {**route.request.headers, "authorization": f"Bearer {token}"}
        await route.continue_(headers=headers)

    await context.route(f"{url}/**", authorised)


async def photograph(page: Page, name: str) -> None:
    """Keep a picture of a page where COMFYD_PICTURES says, for people to look at."""
    if folder := os.environ.get("COMFYD_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
