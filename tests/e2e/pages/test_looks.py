"""Pages can be read by everyone: in two languages, dark, on a phone, with a keyboard alone."""

from pathlib import Path
from typing import Literal
from urllib.parse import urljoin
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.graphs import card
from tests.e2e.pages.visits import Visit, photograph
from tests.e2e.signing_in import link_for
from tests.e2e.system import System
from tests.e2e.tenant import Json, Tenant

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
LONG_ORIGIN = f"https://{'a-long-name-of-a-host.' * 6}example:8188/"
PHONE = {"width": 375, "height": 700}
PAGES = {
    "home": "/",
    "runs": "/runs",
    "filtered": "/runs?status=timeout",
    "sessions": "/sessions",
    "missing": "/nowhere",
}

SERIOUS = """
async () => (await axe.run()).violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target).join(", ")}`)
"""


@pytest.fixture
async def used(eve: Tenant) -> Json:
    """Return a run of a tenant who looks at pages."""
    return await eve.run(await eve.deploy(card(), name="card"))


async def serious_findings(page: Page) -> list[str]:
    await page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = await page.evaluate(SERIOUS)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_no_page_keeps_anyone_out(
    visit: Visit, used: Json, scheme: str, language: str
) -> None:
    page = await visit(f"/?language={language}", user="eve", color_scheme=scheme)
    paths = {**PAGES, "run": f"/runs/{used['id']}"}
    for name, path in paths.items():
        for width in (1280, 375):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.goto(urljoin(page.url, path))
            await photograph(page, f"{name}-{language}-{scheme}-{width}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert await serious_findings(page) == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_ways_in_keep_no_one_out(
    browser: Browser, system: System, scheme: Literal["light", "dark"], language: str
) -> None:
    context = await browser.new_context(color_scheme=scheme)
    page = await context.new_page()
    ways = {
        "ways-in": f"{system.url}/sign-in?problem=key_revoked&language={language}",
        "link": link_for(system, "eve"),
        "no-link": f"{system.url}/sign-in/link?token=none",
    }
    for name, address in ways.items():
        for width in (1280, 375):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.goto(address)
            await photograph(page, f"{name}-{language}-{scheme}-{width}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert await serious_findings(page) == [], name
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_login_from_comfyui_keeps_no_one_out(
    visit: Visit, scheme: str, language: str
) -> None:
    page = await visit(f"/?language={language}", user="eve", color_scheme=scheme)
    for width in (1280, 375):
        await page.set_viewport_size({"width": width, "height": 800})
        await page.goto(urljoin(page.url, f"/auth-request/{uuid4()}"), referer=LONG_ORIGIN)
        await photograph(page, f"login-{language}-{scheme}-{width}")
        assert LONG_ORIGIN.rstrip("/") in await page.inner_text("main")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await serious_findings(page) == []


async def test_a_login_from_comfyui_is_granted_with_the_keyboard_alone(visit: Visit) -> None:
    page = await visit("/", user="eve")
    await page.goto(urljoin(page.url, f"/auth/request/{uuid4()}"))
    await page.locator("#main").focus()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("I have just pressed Login")).to_be_focused()
    # Without the tick the browser itself keeps the form back.
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("I have just pressed Login")).to_be_focused()
    await expect(page.locator("main")).to_contain_text("asks to act for eve")
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("Granted")


@pytest.mark.usefixtures("used")
async def test_language_and_appearance_are_chosen_by_links_and_kept(visit: Visit) -> None:
    page = await visit("/runs?status=success", user="eve", color_scheme="light")
    await page.get_by_role("link", name="中文").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("运行")
    await page.get_by_role("link", name="外观").click()

    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(17, 19, 24)"
    assert page.url.endswith("/runs?status=success")


async def test_a_keyboard_is_enough(visit: Visit) -> None:
    page = await visit("/", user="eve")
    await page.keyboard.press("Tab")
    focused = page.locator(":focus")
    await expect(focused).to_have_text("Skip to the content")
    await expect(focused).to_be_in_viewport()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"

    await page.get_by_role("link", name="Home").focus()
    await page.keyboard.press("Tab")
    await expect(page.locator(":focus")).to_have_text("Runs")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/runs")
