"""A page of another origin logs in, saves a workflow and opens it again, as the plugins' pages do.

It sends what was recorded of them in ComfyUI 0.33.0.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from tests.e2e.graphs import card
from tests.e2e.pages.visits import Visit
from tests.e2e.system import System
from tests.e2e.tenant import Json, Tenant
from tests.observe.browser import serving

UI_GRAPH: Json = {
    "nodes": [
        {
            "id": 3,
            "type": "ComfyDeploy",
            "pos": [0, 0],
            "size": [210, 106],
            "flags": {},
            "order": 2,
            "mode": 0,
            "inputs": [],
            "outputs": [],
            "properties": {"workflow_name": "", "workflow_id": "", "version": ""},
            "widgets_values": ["from the page", "", "1"],
        }
    ],
    "links": [],
    "version": 0.4,
}
SNAPSHOT: Json = {
    "comfyui": "9f8e7d",
    "git_custom_nodes": {"https://github.com/a/pack": {"hash": "0a1b", "disabled": False}},
    "file_custom_nodes": [],
}

ASK = """
([url, key, body]) => fetch(url, {
  method: body ? "POST" : "GET",
  headers: key ? {"Content-Type": "application/json", Authorization: `Bearer ${key}`} : {},
  body: body && JSON.stringify(body),
}).then(async (answer) => [answer.status, await answer.json()])
"""


async def ask(page: Page, url: str, key: str = "", body: Json | None = None) -> tuple[int, Any]:
    """Send a request from within a page, as its scripts do."""
    status, answer = await page.evaluate(ASK, [url, key, body])
    return status, answer


async def an_empty_page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>ComfyUI</title>", content_type="text/html")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["of this site", "of another"])
async def test_a_page_logs_in_saves_and_opens_again(
    visit: Visit, system: System, eve: Tenant, host: str
) -> None:
    signed_in = await visit("/", user="eve")
    request_id = uuid4().hex[:22]
    async with serving(an_empty_page) as url:
        origin = url.replace("127.0.0.1", host)
        comfyui = await signed_in.context.new_page()
        await comfyui.goto(origin)
        async with signed_in.context.expect_page() as opened:
            await comfyui.evaluate(
                "url => void open(url, '_blank')", f"{system.url}/auth-request/{request_id}"
            )
        login = await opened.value
        # The session's cookie comes with no link of another site: the page asks again for itself.
        await expect(login.locator("main")).to_contain_text(f"{origin}, none of your machines")
        answer = f"{system.url}/api/auth-response/{request_id}"
        assert await ask(comfyui, answer) == (201, {"message": "Not ready yet."})
        await login.get_by_label("I have just pressed Login").check()
        await login.get_by_role("button", name="Grant access").click()
        await expect(login.locator("main")).to_contain_text("Granted")
        status, got = await ask(comfyui, answer)
        assert (status, got["name"]) == (200, "eve")

        upload = {
            "workflow_name": f"from the page {request_id}",
            "workflow_id": "",
            "workflow": UI_GRAPH,
            "workflow_api": card(),
            "snapshot": SNAPSHOT,
            "dependencies": {},
        }
        status, saved = await ask(comfyui, f"{system.url}/api/workflow", got["api_key"], upload)
        assert (status, saved["version"]) == (200, 1), saved

        made = await eve.http.post(
            f"/v1/workflows/{saved['workflow_id']}/versions/1/edit-link",
            json={"machine_id": await eve.machine()},
        )
        link = parse_qs(urlsplit(made.json()["url"]).query)
        [version_id], [ticket] = link["workflow_version_id"], link["auth_token"]
        status, version = await ask(
            comfyui, f"{link['origin'][0]}/api/workflow-version/{version_id}", ticket
        )
        assert status == 200, version
        assert (version["workflow"], version["workflow_api"]) == (UI_GRAPH, card())
        assert version["snapshot"]["git_custom_nodes"] == SNAPSHOT["git_custom_nodes"]
