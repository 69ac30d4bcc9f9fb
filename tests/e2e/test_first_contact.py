"""What a newcomer meets first: the address alone."""

import httpx
import pytest

from tests.e2e.system import System

BROWSERS = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html",
    "text/html;q=0.9, application/json;q=0.1",
]
PROGRAMS = ["*/*", "application/json", "application/json, text/html;q=0.5", "image/png", ""]


@pytest.fixture
async def nobody(system: System) -> httpx.AsyncClient:
    """Give somebody without a credential."""
    return httpx.AsyncClient(base_url=system.url, trust_env=False)


@pytest.mark.parametrize("accept", BROWSERS)
async def test_a_browser_is_led_to_the_description(nobody: httpx.AsyncClient, accept: str) -> None:
    async with nobody as http:
        led = await http.get("/", headers={"Accept": accept})
        page = await http.get(led.headers["Location"])
    assert (led.status_code, led.headers["Location"], led.headers["Vary"]) == (
        303,
        "docs",
        "Accept",
    )
    assert page.headers["Content-Type"].startswith("text/html")
    assert "swagger-ui" in page.text


@pytest.mark.parametrize("accept", PROGRAMS)
async def test_a_program_is_told_what_this_is(nobody: httpx.AsyncClient, accept: str) -> None:
    async with nobody as http:
        told = await http.get("/", headers={"Accept": accept})
        places = {n: (await http.get(p)).status_code for n, p in told.json().items() if n != "name"}
    assert (told.status_code, told.json()["name"]) == (200, "comfyd")
    assert places == {"docs": 200, "openapi": 200, "health": 200}
