"""The plugin that docs/figma.md shows, in Chromium, in a page with `Origin: null` as in Figma."""

import base64
import json
import re
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aioboto3
import httpx
import pytest
from PIL import Image
from playwright.async_api import Browser, Frame, Page, expect

from infra.embedded.ports import LOOPBACK
from infra.s3.cors import RULE
from tests.builders.pictures import picture, saved
from tests.e2e.graphs import MISSING, card, load
from tests.e2e.proxies import replaced
from tests.e2e.system import PATIENCE, System, eventually
from tests.e2e.tenant import Json, Tenant
from tests.interop.what_ran import Flow, check_page
from tests.network.ports import free_port
from tests.observe.browser import site

DOCS = Path(__file__).parents[2] / "docs"
FIGMA = Path(__file__).with_name("figma.html")
BLOCK = re.compile(
    r"^ *```(?:js|html)\n *(?://|<!--) ([\w.]+)(?: -->)?\n(.*?)^ *```$", re.DOTALL | re.MULTILINE
)
SIZE = (90, 70)
FLOW = Flow(
    "Chromium, `Origin: null`",
    "[a plugin of Figma](figma.md): upload to the storage, create-run, poll, "
    "image on a canvas, clean-up",
)
ASK = """
async ([url, options]) => {
  const answer = await fetch(url, options);
  return { status: answer.status, text: await answer.text(),
           later: Number(answer.headers.get("Retry-After")) };
}
"""
SHOW = """
(url) => new Promise((done, failed) =>
  Object.assign(new Image(), { src: url, onload: () => done(), onerror: failed }))
"""
DRAW = """
async (url) => {
  const image = Object.assign(new Image(), { crossOrigin: "anonymous", src: url });
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  context.getImageData(0, 0, 1, 1);
  return canvas.toDataURL().startsWith("data:image/png;base64,");
}
"""
EMPTY = {"code": "figma.showUI(__html__)", "html": '<p id="run">.</p>'}


class Figma:
    """A page that has a plugin open."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def open(self, plugin: Mapping[str, str], *, way: str) -> Frame:
        """Start a plugin with one node selected; return the frame of its page."""
        image = base64.b64encode(saved("PNG", picture(*SIZE, seed=83))).decode()
        await self.page.evaluate("start", {**plugin, "picture": image, "way": way})
        [_, frame] = self.page.frames
        await frame.wait_for_selector("#run")
        assert await frame.evaluate("self.origin") == "null"
        return frame


@pytest.fixture
async def figma(browser: Browser) -> AsyncIterator[Figma]:
    """Yield a Figma of its own origin."""
    context = await browser.new_context()
    async with site() as served:
        served.files["/figma.html"] = FIGMA.read_text("utf-8")
        page = await context.new_page()
        await page.goto(f"{served.url}/figma.html")
        yield Figma(page)
    await context.close()


@pytest.fixture(scope="module")
async def apis(system: System) -> AsyncIterator[dict[str, str]]:
    """Start APIs that differ in one thing each; return their addresses."""
    nowhere = f"http://{LOOPBACK}:{free_port()}"
    started = {
        "bucket": {"COMFYD_SERVE_FILES": "false"},
        "small bodies": {"COMFYD_BODY_LIMIT": "100000"},
        "no storage": {"SPACES_ENDPOINT": nowhere},
        "one a minute": {"COMFYD_RATE_LIMIT": "1"},
    }
    apis = {name: system.start_another_api(name, **more) for name, more in started.items()}
    async with ruled_bucket(system):
        yield {"own": system.url, **apis}
    for name in started:
        system.end(name)


@asynccontextmanager
async def ruled_bucket(system: System) -> AsyncIterator[None]:
    """Set the rule of the documentation on the bucket, and remove it at the end."""
    async with aioboto3.Session().client(
        "s3",
        endpoint_url=system.env["SPACES_ENDPOINT"],
        region_name=system.env["SPACES_REGION"],
        aws_access_key_id=system.env["SPACES_KEY"],
        aws_secret_access_key=system.env["SPACES_SECRET"],
    ) as bucket:
        name = system.env["SPACES_BUCKET"]
        rules: Any = {"CORSRules": RULE}
        await bucket.put_bucket_cors(Bucket=name, CORSConfiguration=rules)
        yield
        await bucket.delete_bucket_cors(Bucket=name)


async def pictures_key(tenant: Tenant) -> str:
    """Deploy what takes a picture; return a key for it alone."""
    deployment = await tenant.deploy(load(), name=f"figma {uuid4()}")
    body = {"name": "f", "scopes": ["runs:write", "runs:read"], "deployments": [deployment]}
    key: str = (await tenant.http.post("/v1/keys", json=body)).json()["key"]

    async def listed() -> bool:
        rows = await tenant.http.get("/api/deployments", headers={"Authorization": f"Bearer {key}"})
        return bool(rows.json())

    await eventually(listed)
    return key


def documented(url: str, key: str) -> dict[str, str]:
    """Return the plugin of the page, with ours in the place of what its readers fill in."""
    blocks = BLOCK.findall((DOCS / "figma.md").read_text("utf-8"))
    files = {name: textwrap.dedent(code) for name, code in blocks}
    assert set(files) == {"code.js", "ui.html"}
    html = replaced(files["ui.html"], ("http://127.0.0.1:3000", url), ("cfd_…", key))
    return {"code": files["code.js"], "html": html}


@pytest.mark.parametrize("where", ["own", "bucket"])
@pytest.mark.parametrize("way", ["sandbox", "data:"])
async def test_the_plugin_of_the_page_puts_into_figma_what_a_run_has_made(
    system: System, ada: Tenant, figma: Figma, apis: Mapping[str, str], way: str, where: str
) -> None:
    await system.until_ready(apis[where])
    key = await pictures_key(ada)
    frame = await figma.open(documented(apis[where], key), way=way)

    await frame.locator("#run").click()
    await expect(frame.locator("#state")).to_have_text("Done", timeout=PATIENCE * 1000)

    [made] = await figma.page.evaluate("images.map((bytes) => [...bytes])")
    with Image.open(BytesIO(bytes(made))) as image:
        assert (image.format, image.size) == ("PNG", SIZE)
        assert image.convert("RGB").tobytes() == picture(*SIZE, seed=83).tobytes()
    [shape] = await figma.page.evaluate("rectangles")
    assert ((shape["width"], shape["height"]), shape["fills"][0]["imageHash"]) == (SIZE, "0")
    assert await figma.page.evaluate("notified") == []
    check_page([FLOW], of=("Chromium",))


@pytest.mark.parametrize("where", ["own", "bucket"])
async def test_a_page_draws_files_on_a_canvas_also_when_it_has_shown_them_before(
    system: System, ada: Tenant, figma: Figma, apis: Mapping[str, str], where: str
) -> None:
    await system.until_ready(apis[where])
    frame = await figma.open(EMPTY, way="sandbox")
    run = await ada.run(await ada.deploy(load()), {"picture": data_url()})

    async def with_thumbnail() -> Json | None:
        """Wait until this API knows the end, and for the thumbnail, which is made after it."""
        status = await ada.http.get(f"{apis[where]}/api/status/{run['id']}")
        if not (images := status.json()["images"]):
            return None
        [image] = images
        async with httpx.AsyncClient(trust_env=False) as public:
            small = await public.get(image["thumbnail_url"])
        return image if image["thumbnail_url"] != image["url"] and small.is_success else None

    image = await eventually(with_thumbnail)
    for url in (image["url"], image["thumbnail_url"]):
        for page in (frame, figma.page):
            await page.evaluate(SHOW, url)
            assert await page.evaluate(DRAW, url)
            assert (await page.evaluate(ASK, [url, {}]))["status"] == 200


@pytest.mark.parametrize("where", ["own", "bucket"])
async def test_a_page_follows_a_redirect_to_a_file(
    system: System, ada: Tenant, figma: Figma, apis: Mapping[str, str], where: str
) -> None:
    await system.until_ready(apis[where])
    frame = await figma.open(EMPTY, way="data:")
    run = await ada.run(await ada.deploy(card()))
    [output] = run["outputs"]
    name = urlsplit(output["url"]).path.rpartition("/")[2]
    url = f"{apis[where]}/api/view?file=outputs/runs/{run['id']}/{name}"
    headers = {"Authorization": f"Bearer {system.token('ada')}", "X-Figma-Plugin-ID": "1"}

    async def found() -> bool:
        answer = await frame.evaluate(ASK, [url, {"headers": headers}])
        return bool(answer["status"] == 200)  # an API that does not know the end yet has 404

    await eventually(found)
    stranger = await frame.evaluate(ASK, [url, {}])
    assert stranger["status"] == (401 if where == "own" else 200)


async def test_a_page_reads_every_refusal(
    system: System, ada: Tenant, figma: Figma, apis: Mapping[str, str]
) -> None:
    pictures = await ada.deploy(load())
    for url in apis.values():
        await system.until_ready(url)
    frame = await figma.open(EMPTY, way="data:")
    headers = {
        "Authorization": f"Bearer {system.token('ada')}",
        "Content-Type": "application/json",
        "X-Figma-Plugin-ID": "1474744985497323570",
    }

    async def ask(name: str, path: str, body: Json | None = None, **more: str) -> Json:
        options = {"headers": headers | more, "method": "POST" if body is not None else "GET"}
        if body is not None:
            options["body"] = json.dumps(body)
        return dict(await frame.evaluate(ASK, [f"{apis[name]}{path}", options]))

    unknown = await ask("own", f"/api/status/{MISSING}")
    stranger = await ask("own", "/api/deployments", Authorization="Bearer none")
    wrong = await ask("own", "/api/get-presigned-upload-url", {"fileType": "text/html"})
    large = await ask("small bodies", "/api/create-run", {"inputs": "x" * 8_000_000})
    await ask("one a minute", "/api/deployments")
    often = await ask("one a minute", "/api/deployments")
    inputs = {"picture": data_url()}
    away = await ask("no storage", "/api/run", {"deployment_id": pictures, "inputs": inputs})
    file = await ask("own", "/files/none")

    assert (unknown["status"], unknown["text"]) == (404, '{"error":"Run not found"}')
    assert (stranger["status"], stranger["text"]) == (401, "Invalid or expired token")
    assert (wrong["status"], "upload_type_not_supported" in wrong["text"]) == (400, True)
    assert (large["status"], often["status"], file["status"]) == (413, 429, 404)
    assert away["status"] == 503
    assert 0 < often["later"] <= 60
    assert 0 < away["later"] <= 60


def data_url() -> str:
    """Return a picture as the older plugins send it."""
    return (
        f"data:image/png;base64,{base64.b64encode(saved('PNG', picture(*SIZE, seed=84))).decode()}"
    )
