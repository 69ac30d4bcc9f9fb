"""Machines with the plugin of comfyui-deploy: handed their runs by it, and checked before that."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from events.ids import prompt_id
from tests.e2e.graphs import card, slow
from tests.e2e.machines import register
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Tenant, download
from tests.observe.metrics_page import scraped

Start = Callable[..., Awaitable[str]]


@pytest.fixture
def start(system: System, tmp_path: Path) -> Iterator[Start]:
    """Return what starts a machine with the plugin, and returns its URL once it answers."""
    names: list[str] = []

    async def started(*switches: str) -> str:
        url, called = system.another_machine_url(), f"plugin-{uuid4().hex[:8]}"
        system.start_machine(called, url, tmp_path, "--plugin", *switches)
        names.append(called)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as machine:

            async def answers() -> bool:
                with suppress(httpx.TransportError):
                    return (await machine.get("/queue")).is_success
                return False

            await eventually(answers)
        return url

    yield started
    for called in names:
        system.end(called)


async def deployed(ada: Tenant, name: str, url: str, graph: dict[str, object]) -> str:
    """Deploy a graph to a machine with the plugin."""
    machine = await register(ada, name, url, driver="comfyui-deploy")
    assert machine["driver"] == "comfyui-deploy"
    return await ada.deploy(graph, name=name, machine_id=machine["id"])


async def test_what_the_machine_has_stored_is_an_output_though_it_hands_out_nothing(
    ada: Tenant, name: str, start: Start, tmp_path: Path, system: System
) -> None:
    url = await start("--drop-views", "--loses", "0.3")
    before = (await scraped(system.internal_urls["api"])).by("comfyd_callbacks_total", "outcome")

    run = await ada.run(await deployed(ada, name, url, card()), {"colour": 5})

    assert run["status"] == "success"
    [output] = run["outputs"]
    path = f"comfyd/{prompt_id(UUID(run['id']), 1)}/card_00001_.png"
    on_machine = (tmp_path / "output" / path).read_bytes()
    assert await download(output["url"]) == on_machine
    assert output["media_type"] == "image/png"
    after = (await scraped(system.internal_urls["api"])).by("comfyd_callbacks_total", "outcome")
    assert after["taken"] > before["taken"]
    assert after["forged"] == before["forged"]


async def test_what_the_plugin_does_not_store_is_fetched_from_the_machine(
    ada: Tenant, name: str, start: Start
) -> None:
    url = await start("--no-uploads")
    run = await ada.run(await deployed(ada, name, url, card()), {"colour": 6})

    assert run["status"] == "success"
    assert len(await download(run["outputs"][0]["url"])) == run["outputs"][0]["bytes"]


async def test_the_seed_of_a_run_is_not_drawn_again(ada: Tenant, name: str, start: Start) -> None:
    url = await start()
    run = await ada.run(await deployed(ada, name, url, slow(0.01, 1)), {"seed": 7, "seconds": 0.01})

    async with httpx.AsyncClient(base_url=url, trust_env=False) as machine:
        history = (await machine.get(f"/history/{prompt_id(UUID(run['id']), 1)}")).json()
    [entry] = history.values()
    graph = entry["prompt"][2]
    holder, _ = graph["4"]["inputs"]["seed"]
    assert graph[holder] == {"class_type": "PrimitiveInt", "inputs": {"value": 7}}
    assert run["status"] == "success"


async def test_a_cancelled_run_stops_on_the_machine(ada: Tenant, name: str, start: Start) -> None:
    url = await start("--loses", "0.5")
    run_id = await ada.start(await deployed(ada, name, url, slow()), {})
    await ada.reaches(run_id, "running")

    assert (await ada.cancel(run_id)).is_success
    assert (await ada.ended(run_id))["status"] == "cancelled"


async def test_a_machine_without_the_plugin_keeps_the_stock_driver(
    system: System, ada: Tenant, name: str
) -> None:
    body = {"name": name, "url": system.machine_url}
    stock = await register(ada, **body)
    refused = await ada.http.patch(f"/v1/machines/{stock['id']}", json={"driver": "comfyui-deploy"})
    unknown = await ada.http.post("/v1/machines", json=body | {"driver": "other"})

    assert refused.status_code == 409
    assert refused.json()["code"] == "plugin_unusable"
    assert [e["code"] for e in refused.json()["errors"]] == ["plugin_missing"]
    assert unknown.status_code == 400
    kept = (await ada.http.get(f"/v1/machines/{stock['id']}")).json()
    assert kept["driver"] == "comfyui"


async def test_a_machine_that_does_not_reach_comfyd_is_not_given_the_driver(
    system: System, ada: Tenant, name: str, start: Start
) -> None:
    nowhere = system.another_machine_url()
    elsewhere = system.start_another_api("api-callbacks", COMFYD_CALLBACK_URL=nowhere)
    await system.until_ready(elsewhere)
    body = {"name": name, "url": await start(), "driver": "comfyui-deploy"}
    try:
        async with httpx.AsyncClient(
            base_url=elsewhere, headers=ada.http.headers, trust_env=False, timeout=60
        ) as other:
            refused = await other.post("/v1/machines", json=body)
    finally:
        system.end("api-callbacks")

    assert refused.status_code == 409, refused.text
    [problem] = refused.json()["errors"]
    assert problem["code"] == "plugin_cannot_store"
    assert nowhere in problem["detail"]
    assert (await ada.http.get("/v1/machines", params={"name": name})).json()["data"] == []


@pytest.mark.parametrize("where", ["nowhere", "not set"])
async def test_the_doctor_says_that_a_machine_does_not_reach_comfyd(
    system: System, ada: Tenant, name: str, start: Start, where: str
) -> None:
    await register(ada, name, await start(), driver="comfyui-deploy")
    nowhere = system.another_machine_url() if where == "nowhere" else ""
    elsewhere = system.start_another_api(
        "api-doctor", COMFYD_CALLBACK_URL=nowhere, COMFYD_PUBLIC_URL=""
    )
    await system.until_ready(elsewhere)
    found = {}
    try:
        for url in (system.url, elsewhere):
            headers = ada.http.headers
            async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
                checks = (await http.get(f"{url}/v1/doctor")).raise_for_status().json()["checks"]
            [found[url]] = [check for check in checks if check["name"] == f"machine {name}"]
    finally:
        system.end("api-doctor")

    assert found[system.url]["code"] in {"", "machine_unseen"}
    assert found[elsewhere]["code"] == "machine_plugin_unusable"
    assert (nowhere or "set COMFYD_CALLBACK_URL") in found[elsewhere]["detail"]


async def test_the_driver_of_a_machine_can_be_changed_and_stays_when_it_is_registered_again(
    ada: Tenant, name: str, start: Start
) -> None:
    url = await start()
    machine = await register(ada, name, url)
    path = f"/v1/machines/{machine['id']}"
    changed = await ada.http.patch(path, json={"driver": "comfyui-deploy"})
    again = await register(ada, name, url)
    history = (await ada.http.get(f"{path}/history")).json()["data"]

    assert changed.json()["driver"] == again["driver"] == "comfyui-deploy"
    assert "machine.driver_changed" in {entry["type"] for entry in history}


@pytest.mark.parametrize("body", [b"", b"{", b'{"run_id": "x", "status": "success"}'])
async def test_a_stranger_is_acknowledged_and_gets_no_url(system: System, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as stranger:
        told = await stranger.post("/api/update-run", content=body)
        asked = await stranger.get(
            "/api/file-upload", params={"file_name": "a.png", "run_id": "x", "type": "image/png"}
        )

    assert (told.status_code, told.json()) == (200, {"message": "success", "status": "success"})
    assert asked.status_code == 401
