"""The list of runs: filters, pages, and what is done with many runs at once."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.e2e.graphs import card, slow
from tests.e2e.pages.visits import Visit, photograph
from tests.e2e.system import System
from tests.e2e.tenant import Json, Tenant, client_of

SOON = 15_000
MANY = 27
"""More than fit on one page, which has 25."""


@pytest.fixture
async def fay(system: System) -> AsyncIterator[Tenant]:
    """Yield a tenant who has runs in every state, all in one batch or alone."""
    async with client_of(system, "fay") as http:
        yield Tenant(http, system.machine_url)


async def batch_of(tenant: Tenant, deployment: str, many: int) -> Json:
    body = {"deployment_id": deployment, "inputs": [{"colour": n} for n in range(many)]}
    answer = await tenant.http.post("/v1/batches", json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def ids_on(page: Page) -> list[str]:
    rows = page.locator("table.runs tbody tr")
    return [str(await row.get_attribute("id")) for row in await rows.all()]


async def test_every_filter_is_in_the_address_and_a_page_follows_the_other(
    visit: Visit, fay: Tenant
) -> None:
    deployment = await fay.deploy(card(), name="many")
    batch = await batch_of(fay, deployment, MANY)
    other = (await fay.run(await fay.deploy(slow(0.1, 1), name="one")))["id"]
    page = await visit("/runs", user="fay")
    rows = page.locator("table.runs tbody tr")

    # From one page to the next, and back.
    await expect(rows).to_have_count(25)
    first = await ids_on(page)
    assert first[0] == f"run-{other}"
    await page.get_by_role("link", name="Older runs").click()
    await page.wait_for_url("**/runs?before=*")
    await expect(rows).to_have_count(MANY + 1 - 25)
    assert set(first).isdisjoint(await ids_on(page))
    await page.get_by_role("link", name="Go to the newest runs").click()
    await page.wait_for_url("**/runs")

    # One filter after the other; the address is all that a colleague needs.
    for name, option, found in (
        ("workflow", "one", 1),
        ("deployment", "one · production", 1),
        ("machine", "local", 25),
        ("within", "in the last hour", 25),
    ):
        await page.goto(page.url.split("?")[0])
        await page.locator(f"select[name={name}]").select_option(label=option)
        await page.wait_for_url(f"**/runs?{name}=*")
        await expect(rows).to_have_count(found)
        await page.reload()
        await expect(page.locator(f"select[name={name}] :checked")).to_have_text(option)
        await expect(rows).to_have_count(found)
    await page.goto(page.url.split("?")[0])
    await page.get_by_label("Batch").fill(batch["id"])
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/runs?batch={batch['id']}")
    await expect(rows).to_have_count(25)
    await expect(page.locator(f"#run-{other}")).to_have_count(0)


async def test_many_are_selected_and_cancelled_with_the_keyboard_alone(
    visit: Visit, system: System
) -> None:
    async with client_of(system, "gus") as http:
        gus = Tenant(http, system.machine_url)
        deployment = await gus.deploy(slow(60), name="slow")
        made = [await gus.start(deployment, {"seed": n}) for n in range(2)]
        page = await visit("/runs", user="gus")
        await page.get_by_label("Select all on this page").focus()
        await page.keyboard.press("Space")
        await photograph(page, "selected")
        await page.get_by_role("button", name="Cancel…").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("row")).to_have_count(3)
        assert all([not (await gus.read(one))["ended_at"] for one in made])
        await photograph(page, "confirm")
        await page.get_by_role("button", name="Cancel runs: 2").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading")).to_have_text("Runs that are cancelled: 2")
        for one in made:
            await gus.ended(one)
        await page.get_by_role("link", name="Back to the runs").click()
        await expect(page.locator(".mark[data-status=cancelled]")).to_have_count(2, timeout=SOON)


async def test_a_row_leads_to_its_run_which_follows_the_system(
    visit: Visit, system: System
) -> None:
    async with client_of(system, "hal") as http:
        hal = Tenant(http, system.machine_url)
        made = await hal.start(await hal.deploy(slow(4, 40), name="slow"))
        page = await visit("/runs", user="hal", timezone_id="Asia/Shanghai")
        await page.get_by_role("link", name="slow").click()
        await page.wait_for_url(f"**/runs/{made}")
        await expect(page.get_by_role("button", name="Cancel…")).to_be_visible()
        await expect(page.locator("#state")).to_have_text("succeeded", timeout=4 * SOON)
        await expect(page.locator(".files img")).to_have_js_property("complete", value=True)
        await expect(page.get_by_role("button", name="Cancel…")).to_be_hidden()
        await expect(page.locator(".timeline")).to_contain_text("the machine began to render")
        # Times are those of where the browser is.
        await expect(page.locator(".timeline time").first).to_have_attribute(
            "title", re.compile(r"\(Asia/Shanghai\)$")
        )
        await photograph(page, "run")
