"""The classic dialect, as clients of comfyui-deploy speak it."""

from uuid import UUID

import httpx
import pytest

from events.ids import prompt_id
from tests.e2e.graphs import MISSING, card, external, node, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, download


async def _ended(http: httpx.AsyncClient, run_id: str) -> Json:
    async def look() -> Json | None:
        status = (await http.get(f"/api/status/{run_id}")).json()
        return status if status["status"] in {"success", "failed"} else None

    return await eventually(look)


async def test_a_run_is_made_polled_and_its_image_is_that_of_the_machine(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(card())
    body = {"deployment_id": deployment, "inputs": {"colour": "1193046"}}

    made = await ada.http.post("/api/run", json=body)
    run_id = made.json()["run_id"]
    status = await _ended(ada.http, run_id)

    [output] = status["outputs"]
    [image] = output["images"]
    path = f"comfyd/{prompt_id(UUID(run_id), 1)}/card_00001_.png"
    on_machine = (system.machine_folder / "output" / path).read_bytes()
    assert made.status_code == 200
    assert made.json() == {"run_id": run_id}
    assert await download(image["url"]) == on_machine
    assert image["url"].endswith(f"/outputs/runs/{run_id}/card_00001_.png")
    assert image.pop("upload_duration") >= 0
    assert image == {
        "url": image["url"],
        "type": "output",
        "filename": "card_00001_.png",
        "subfolder": "",
    }


async def test_the_answer_of_an_ended_run_has_exactly_the_shape_that_clients_know(
    ada: Tenant,
) -> None:
    deployment = await ada.deploy(card())
    made = await ada.http.post("/api/run", json={"deployment_id": deployment})

    status = await _ended(ada.http, made.json()["run_id"])

    assert {key: type(value) for key, value in status.items()} == {
        "id": str,
        "status": str,
        "started_at": str,
        "ended_at": str,
        "duration": float,
        "outputs": list,
        "images": list,
        "error": type(None),
        "progress": dict,
        "live_status": type(None),
    }
    assert status["progress"] == {
        "current": 100,
        "total": 100,
        "message": "Generation completed",
    }
    [output] = status["outputs"]
    assert {key: type(value) for key, value in output.items()} == {
        "images": list,
        "created_at": str,
    }
    assert {key: type(value) for key, value in output["images"][0].items()} == {
        "url": str,
        "type": str,
        "filename": str,
        "subfolder": str,
        "upload_duration": float,
    }


async def test_a_run_that_waits_has_the_same_shape_with_nothing_filled_in(ada: Tenant) -> None:
    deployment = await ada.deploy(slow())
    first = await ada.start(deployment, {"seed": 101})
    second = await ada.start(deployment, {"seed": 102})
    third = (await ada.http.post("/api/run", json={"deployment_id": deployment})).json()["run_id"]

    status = (await ada.http.get(f"/api/status/{third}")).json()

    assert status == {
        "id": third,
        "status": "not-started",
        "started_at": None,
        "ended_at": None,
        "duration": None,
        "outputs": [],
        "images": [],
        "error": None,
        "progress": {"current": 0, "total": 100, "message": "Waiting to start"},
        "live_status": None,
    }
    for run_id in (third, second, first):
        await ada.cancel(run_id)
        await ada.ended(run_id)


async def test_a_running_run_tells_how_far_it_is(ada: Tenant) -> None:
    run_id = await ada.start(await ada.deploy(slow()), {"seed": 103})

    async def look() -> Json | None:
        status = (await ada.http.get(f"/api/status/{run_id}")).json()
        begun = (
            status["status"] == "running" and status["progress"]["message"] != "Generating image"
        )
        return status if begun else None

    running = await eventually(look)
    progress = running["progress"]

    async def look_at_row() -> Json | None:
        row = (await ada.http.get("/api/run", params={"run_id": run_id})).json()
        return row if row["progress"] else None

    row = await eventually(look_at_row)
    await ada.cancel(run_id)
    await ada.ended(run_id)

    assert 0 <= progress["current"] < 75
    assert progress["total"] == 100
    assert running["live_status"].startswith("Executing ")
    assert row["live_status"].startswith("Executing ")
    assert 0 < row["progress"] <= 1
    cancelled = (await ada.http.get(f"/api/status/{run_id}")).json()
    assert cancelled["status"] == "failed"
    assert cancelled["error"] == "cancelled"


async def test_the_row_of_a_run_can_be_read_by_its_id(ada: Tenant) -> None:
    deployment = await ada.deploy(card())
    run = await ada.run(deployment)

    answer = await ada.http.get("/api/run", params={"run_id": run["id"]})

    row = answer.json()
    [output] = row.pop("outputs")
    assert answer.status_code == 200
    assert output["data"]["images"][0]["url"] == run["outputs"][0]["url"]
    assert {k: row[k] for k in ("id", "status", "workflow_version_id", "machine_id")} == {
        "id": run["id"],
        "status": "success",
        "workflow_version_id": run["version_id"],
        "machine_id": run["machine_id"],
    }


async def test_a_node_that_raises_is_named_in_the_error(ada: Tenant) -> None:
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": external("Text", "words", default_value="boom"),
        "3": node("StandinFail", image=["1", 0], message=["2", 0], seed=1),
        "4": node("SaveImage", images=["3", 0], filename_prefix="never"),
    }
    deployment = await ada.deploy(graph)

    run = await ada.run(deployment, {"words": "out of memory"})
    status = (await ada.http.get(f"/api/status/{run['id']}")).json()

    assert run["error"] == {
        "code": "node_failed",
        "message": "out of memory",
        "node_id": "3",
        "node_class": "StandinFail",
        "exception": "ValueError",
    }
    assert (status["status"], status["error"]) == ("failed", "out of memory")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "answer"),
    [
        ("GET", f"/api/status/{MISSING}", None, 404, {"error": "Run not found"}),
        ("GET", "/api/status/nonsense", None, 404, {"error": "Run not found"}),
        (
            "GET",
            f"/api/run?run_id={MISSING}",
            None,
            400,
            {"code": 400, "message": "Workflow not found"},
        ),
        ("POST", "/api/run", {"deployment_id": MISSING}, 404, {"error": "Deployment not found"}),
    ],
)
async def test_what_is_not_there_is_told_in_the_words_of_the_dialect(
    ada: Tenant, method: str, path: str, body: Json | None, status: int, answer: Json
) -> None:
    told = await ada.http.request(method, path, json=body)

    assert (told.status_code, told.json()) == (status, answer)


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({}, []),
        ({"batch_number": 1.0}, []),
        ({"webhook": None}, []),
        ({"webhook": "https://example.com/hook"}, [("webhook_unsupported", ["webhook"])]),
        ({"batch_number": 2}, [("field_too_large", ["batch_number"])]),
        ({"input": {}}, [("field_unknown", ["input"])]),
        ({"workflow_api_json": {}}, [("field_unknown", ["workflow_api_json"])]),
    ],
)
async def test_what_would_not_be_done_is_refused_by_name(
    ada: Tenant, more: Json, codes: list[tuple[str, list[str]]]
) -> None:
    deployment = await ada.deploy(card())

    answer = await ada.http.post("/api/run", json={"deployment_id": deployment, **more})

    if not codes:
        assert answer.status_code == 200, answer.text
        await ada.ended(answer.json()["run_id"])
        return
    refused = answer.json()
    assert (answer.status_code, refused["success"]) == (400, False)
    assert [(i["code"], i["path"]) for i in refused["error"]["issues"]] == codes


async def test_without_a_token_nothing_is_told(ada: Tenant) -> None:
    answer = await ada.http.get(f"/api/status/{MISSING}", headers={"Authorization": "Bearer x.y.z"})

    assert (answer.status_code, answer.text) == (401, "Invalid or expired token")
