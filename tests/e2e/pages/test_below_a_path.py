"""Pages work below a path of a proxy, parts that are fetched later among them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from playwright.async_api import expect

from tests.e2e.graphs import card
from tests.e2e.pages.visits import Visit
from tests.e2e.system import System
from tests.e2e.tenant import Tenant
from tests.observe.browser import serving

PATH = "/behind/a/path"
SOON = 15_000
_OF_THE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@asynccontextmanager
async def cutting_off(path: str, target: str) -> AsyncIterator[str]:
    """Serve *target* below a path, which it never sees; yield the URL."""
    async with aiohttp.ClientSession(
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        answering: set[asyncio.Task[Any]] = set()

        async def answer(request: web.Request) -> web.StreamResponse:
            if task := asyncio.current_task():
                answering.add(task)
            if not request.path_qs.startswith(f"{path}/"):
                return web.Response(status=418, text="this is not below the path")
            url = target + request.path_qs.removeprefix(path)
            headers = {k: v for k, v in request.headers.items() if k.lower() not in _OF_THE_HOP}
            body = await request.read()
            async with session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answered:
                kept = [(k, v) for k, v in answered.headers.items() if k.lower() not in _OF_THE_HOP]
                sent = web.StreamResponse(status=answered.status)
                sent.headers.extend(kept)
                await sent.prepare(request)
                async for piece in answered.content.iter_any():
                    await sent.write(piece)
                return sent

        async with serving(answer) as url:
            try:
                yield f"{url}{path}"
            finally:
                # The stream of an open page would keep the proxy from ending.
                for task in answering:
                    task.cancel()


async def test_pages_parts_and_forms_stay_below_the_path(
    visit: Visit, system: System, eve: Tenant
) -> None:
    deployment = await eve.deploy(card(), name="card")
    first = (await eve.run(deployment))["id"]
    async with cutting_off(PATH, system.url) as url:
        page = await visit("/", user="eve", url=url)
        strays: list[str] = []
        page.on("response", lambda r: strays.append(r.url) if r.status == 418 else None)
        await expect(page.locator(".connection")).to_have_attribute("data-now", "live")
        await page.get_by_role("link", name="Runs", exact=True).click()
        await page.wait_for_url(f"{url}/runs")
        # The part that comes later has links of its own.
        second = (await eve.run(deployment))["id"]
        await expect(page.locator(f"#run-{second}")).to_be_visible(timeout=SOON)
        await expect(page.locator(f"#run-{second} img")).to_have_js_property("complete", value=True)
        await page.locator(f"#run-{second}").get_by_role("link", name="card", exact=True).click()
        await page.wait_for_url(f"{url}/runs/{second}")
        await page.get_by_role("button", name="Erase…").click()
        await page.get_by_role("link", name="Change nothing").click()
        await page.wait_for_url(f"{url}/runs")
        await page.get_by_label(f"Select run {first}").check()
        await page.get_by_role("button", name="Run again…").click()
        await page.get_by_role("button", name="Run again: 1").click()
        await expect(page.get_by_role("heading")).to_have_text("Runs that are run again: 1")
        await page.get_by_role("link", name="中文").click()
        await page.wait_for_url(f"{url}/runs*")
        assert strays == []
