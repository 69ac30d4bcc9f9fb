"""What a page shows follows the system, also over a restart, and nothing moves under the reader."""

import pytest
from playwright.async_api import expect

from tests.e2e.batches import colours, done, make
from tests.e2e.graphs import card
from tests.e2e.pages.visits import Visit
from tests.e2e.system import System
from tests.e2e.tenant import Tenant, client_of

SOON = 15_000
"""Milliseconds within which a page is as new as the system, on a busy machine."""


async def test_the_first_steps_lead_to_a_run(visit: Visit, system: System) -> None:
    page = await visit("/", user="newcomer")
    await expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    await expect(page.get_by_text("comfyd machine add")).to_be_visible()

    async with client_of(system, "newcomer") as http:
        newcomer = Tenant(http, system.machine_url)
        await newcomer.run(await newcomer.deploy(card()))

    await expect(page.get_by_role("heading", name="First steps")).to_be_hidden(timeout=SOON)
    ended = page.locator(".tiles div", has_text="ended in 24 hours").locator("dd")
    await expect(ended).to_have_text("1")
    await expect(page.locator("svg rect[data-outcome=success]")).to_be_visible()


async def test_new_runs_come_in_unless_they_would_move_what_is_read(
    visit: Visit, eve: Tenant
) -> None:
    deployment = await eve.deploy(card(), name="card")
    first = (await eve.run(deployment))["id"]
    page = await visit("/runs", user="eve")
    rows = page.locator("table.runs tbody tr")
    await expect(rows.first).to_contain_text(first)
    await expect(rows.first.locator("img")).to_have_js_property("complete", value=True)

    await rows.first.hover()
    second = (await eve.run(deployment))["id"]
    await expect(page.get_by_role("link", name="Show newer runs")).to_be_visible(timeout=SOON)
    await expect(rows.first).to_contain_text(first)

    await page.mouse.move(0, 0)
    await expect(rows.first).to_contain_text(second, timeout=SOON)


async def test_a_filter_is_in_the_address_and_pages_follow_each_other(
    visit: Visit, eve: Tenant
) -> None:
    deployment = await eve.deploy(card(), name="card")
    made = [(await eve.run(deployment))["id"] for _ in range(2)]
    page = await visit("/runs", user="eve")
    await page.get_by_label("Status").select_option("succeeded")
    await page.wait_for_url("**/runs?status=success")
    await expect(page.locator("table.runs tbody tr").first).to_contain_text(made[-1])

    await page.get_by_label("Status").select_option("timed out")
    await expect(page.get_by_text("No run fits these filters.")).to_be_visible()
    await page.get_by_role("link", name="Show all").last.click()
    await page.wait_for_url("**/runs")


async def test_a_page_left_open_over_a_restart_of_the_api_catches_up(
    visit: Visit, system: System, eve: Tenant
) -> None:
    url = system.start_another_api("pages")
    await system.until_ready(url)
    try:
        page = await visit("/runs", user="eve", url=url)
        state = page.get_by_role("status").first
        system.kill("pages")
        await expect(state).to_contain_text("no connection", timeout=SOON)
        made = await eve.run(await eve.deploy(card(), name="card"))
        system.start("pages")
        await expect(page.locator("table.runs")).to_contain_text(made["id"], timeout=2 * SOON)
        await expect(state).to_contain_text("live")
    finally:
        system.end("pages")


async def test_a_page_has_one_connection_and_is_told_at_most_twice_a_second(
    visit: Visit, eve: Tenant
) -> None:
    deployment = await eve.deploy(card(), name="card")
    page = await visit("/", user="eve")
    await expect(page.get_by_role("status").first).to_contain_text("live", timeout=SOON)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    await page.evaluate(COUNT_CHANGES)
    batch = await make(eve, deployment, colours(20, 1000))
    await done(eve, batch["id"])
    counted = await page.evaluate("[window.changes, (performance.now() - window.began) / 1000]")

    changes, seconds = counted
    assert 0 < changes <= 2 * seconds + 1
    # What it shows is asked for as seldom, and the stream not again.
    assert 0 < asked.count("overview") <= seconds + 2
    assert asked.count("changes") == 0
    streams = "performance.getEntriesByType('resource').filter((e) => /[/]changes$/.test(e.name))"
    assert await page.evaluate(f"{streams}.length") <= 1


COUNT_CHANGES = """() => {
  window.began = performance.now();
  window.changes = 0;
  document.addEventListener("htmx:sse:before:message", ({ detail }) => {
    window.changes += detail.message.event === "changed";
  });
}"""


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/runs?limit=0"])
async def test_the_api_answers_browsers_with_data(eve: Tenant, path: str) -> None:
    answer = await eve.http.get(path, headers={"Accept": "text/html"})
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_an_error_of_a_page_is_a_page(visit: Visit, eve: Tenant, system: System) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "zh"}
    missing = await eve.http.get("/nowhere/at/all", headers=headers)

    assert missing.status_code == 404
    assert missing.headers["Content-Type"] == "text/html; charset=utf-8"
    assert missing.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; script-src 'self'"
    )
    assert "前往首页" in missing.text
    assert "../../assets/" in missing.text

    page = await visit("/runs?status=done", user="eve")
    await expect(page.locator("main")).to_contain_text("status: there is no option 'done'")
    await page.get_by_role("link", name="Go to the start page").click()
    await page.wait_for_url(f"{system.url}/")


async def test_selected_runs_are_shown_before_they_are_erased(visit: Visit, eve: Tenant) -> None:
    deployment = await eve.deploy(card(), name="card")
    kept, gone = [(await eve.run(deployment))["id"] for _ in range(2)]
    page = await visit("/runs", user="eve")
    await expect(page.get_by_text("With the selected runs:")).to_be_hidden()
    await page.get_by_label(f"Select run {gone}").check()
    await page.get_by_role("button", name="Erase…").click()
    await expect(page.get_by_role("row", name=gone)).to_contain_text("is erased")
    assert (await eve.read(gone))["erased_at"] is None

    await page.get_by_role("button", name="Erase: 1").click()
    await expect(page.get_by_role("heading")).to_have_text("Runs that are erased: 1")
    assert (await eve.read(gone))["erased_at"] is not None
    assert (await eve.read(kept))["erased_at"] is None


async def test_runs_are_repeated_once_however_often_it_is_confirmed(
    visit: Visit, eve: Tenant
) -> None:
    made = (await eve.run(await eve.deploy(card(), name="card")))["id"]
    page = await visit("/runs", user="eve")
    await page.get_by_label(f"Select run {made}").check()
    await page.get_by_role("button", name="Run again…").click()
    await page.get_by_role("button", name="Run again: 1").click()
    await expect(page.get_by_role("heading")).to_have_text("Runs that are run again: 1")
    await page.reload()
    found = (await eve.http.get("/v1/runs?limit=100")).json()["data"]
    assert len([run for run in found if run["rerun_of"] == made]) == 1
