"""What the plugins of comfyui-deploy ask for: both generations of them, at the same addresses."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.graphs import MISSING, card, node, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, download

UI_GRAPH: Json = {"nodes": [], "links": [], "version": 0.4, "extra": {"by": "the plugin"}}
PACK = {"https://github.com/a/pack": {"hash": "0a1b", "disabled": False}}
SNAPSHOT: Json = {
    "comfyui": "9f8e7d",
    "git_custom_nodes": PACK,
    "file_custom_nodes": [{"filename": "own.py", "disabled": False}],
    "cnr_custom_nodes": {"rgthree": "1.0.0"},
}


def wider() -> Json:
    """Return the card again, of another width: another graph."""
    graph = card()
    graph["2"]["inputs"]["width"] = 32
    return graph


async def upload(tenant: Tenant, **body: Any) -> Json:
    answer = await tenant.http.post("/api/workflow", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def read(tenant: Tenant, path: str, **params: Any) -> Any:
    answer = await tenant.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_older_plugin_saves_objects_under_a_name_and_then_by_the_id(ada: Tenant) -> None:
    name = f"older {uuid4()}"

    first = await upload(
        ada,
        workflow_name=name,
        workflow_id="",
        workflow=UI_GRAPH,
        workflow_api=card(),
        snapshot=SNAPSHOT,
        dependencies={"models": {}},
    )
    second = await upload(
        ada,
        workflow_name="another name",
        workflow_id=first["workflow_id"],
        workflow=UI_GRAPH,
        workflow_api=wider(),
        snapshot=SNAPSHOT | {"comfyui": None},
    )

    assert (first["version"], second["version"]) == (1, 2)
    workflow = await read(ada, f"/api/workflow/{first['workflow_id']}")
    assert workflow["name"] == name
    assert [version["version"] for version in workflow["versions"]] == [2, 1]
    assert workflow["versions"][0]["workflow"] == UI_GRAPH
    assert workflow["versions"][0]["workflow_api"] == wider()
    assert workflow["versions"][1]["workflow"] is None
    assert workflow["dependencies"] == {"models": {}}
    version = await read(ada, f"/api/workflow-version/{first['version_id']}")
    assert (version["id"], version["version"]) == (first["version_id"], 1)
    assert version["workflow_id"] == first["workflow_id"]
    assert (version["workflow"], version["workflow_api"]) == (UI_GRAPH, card())
    assert version["snapshot"] == SNAPSHOT


async def test_the_newer_plugin_saves_text_and_then_a_version_with_a_comment(ada: Tenant) -> None:
    name = f"newer {uuid4()}"

    first = await upload(
        ada,
        name=name,
        workflow_json=json.dumps(UI_GRAPH),
        workflow_api=json.dumps(card()),
        machine_id=await ada.machine(),
    )
    path = f"/api/workflow/{first['workflow_id']}"
    answer = await ada.http.post(
        f"{path}/version",
        json={"workflow": UI_GRAPH, "workflow_api": wider(), "comment": "wider, and better"},
    )

    async def look() -> Any:
        return await read(ada, "/api/workflows", search=name[6:].upper(), limit=5)

    listed = await eventually(look)
    versions = await read(ada, f"{path}/versions", search="BETTER")
    all_versions = await read(ada, f"{path}/versions", limit=1, offset=1)

    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert [(found["id"], found["name"]) for found in listed] == [(first["workflow_id"], name)]
    assert [(v["version"], v["comment"]) for v in versions] == [(2, "wider, and better")]
    assert [v["version"] for v in all_versions] == [1]
    second = await read(ada, f"{path}/version/2")
    assert (second["workflow"], second["workflow_api"]) == (UI_GRAPH, wider())


async def test_deployments_are_rows_with_what_they_are_made_of_and_no_secret(ada: Tenant) -> None:
    deployment = await ada.deploy(card(), name=f"rows {uuid4()}")

    async def look() -> Json | None:
        rows = await read(ada, "/api/deployments", environment="production")
        return next((row for row in rows if row["id"] == deployment), None)

    row = await eventually(look)
    assert row["workflow"]["id"] == row["version"]["workflow_id"] == row["workflow_id"]
    assert row["version"]["id"] == row["workflow_version_id"]
    assert row["version"]["workflow_api"] == card()
    assert (row["machine"]["endpoint"], row["machine"]["type"]) == (ada.machine_url, "classic")
    assert not {"auth_token", "token", "header", "build_log"} & row["machine"].keys()
    assert row["input_types"] == [
        {
            "type": "integer",
            "class_type": "ComfyUIDeployExternalNumberInt",
            "input_id": "colour",
            "default_value": 255,
            "min_value": None,
            "max_value": None,
            "display_name": "",
            "description": "",
        }
    ]
    machine = await read(ada, f"/api/machine/{row['machine_id']}")
    assert machine == row["machine"]
    assert machine["status"] == "ready"


async def test_a_key_for_some_deployments_lists_these_without_graphs(
    system: System, ada: Tenant
) -> None:
    deployment = await ada.deploy(card(), name=f"restricted {uuid4()}")
    body = {"name": "figma", "scopes": ["runs:read"], "deployments": [deployment]}
    key = (await ada.http.post("/v1/keys", json=body)).json()["key"]

    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as figma:
        figma.headers["Authorization"] = f"Bearer {key}"

        async def look() -> list[Json]:
            return list((await figma.get("/api/deployments")).json())

        [row] = await eventually(look)

    assert row["id"] == deployment
    assert (row["version"]["workflow_api"], sorted(row["machine"])) == (None, ["id", "name"])


async def test_a_run_of_a_workflow_is_one_of_what_it_has_in_production(ada: Tenant) -> None:
    deployment = await ada.deploy(card(), name=f"figma {uuid4()}")
    workflow = (await read(ada, f"/v1/deployments/{deployment}"))["workflow_id"]

    answer = await ada.http.post(
        "/api/create-run", json={"workflow_id": workflow, "inputs": {"colour": 7}}
    )
    missing = await ada.http.post("/api/create-run", json={"workflow_id": MISSING})
    run = await ada.ended(answer.json()["run_id"])
    status = await read(ada, f"/api/status/{run['id']}")

    assert (answer.status_code, run["deployment_id"]) == (200, deployment)
    assert (missing.status_code, missing.json()) == (404, {"error": "Deployment not found"})
    [image], [[shown]] = status["images"], [output["images"] for output in status["outputs"]]
    thumbnail = image.pop("thumbnail_url")
    assert (image, thumbnail.endswith(".webp")) == (shown, True)


async def test_every_door_takes_the_ids_that_things_had_elsewhere(ada: Tenant) -> None:
    deployment = await ada.deploy(card(), name=f"moved {uuid4()}")
    row = await read(ada, f"/v1/deployments/{deployment}")
    ours = {kind: row[f"{kind}_id"] for kind in ("workflow", "version", "machine")}
    foreign = {kind: str(uuid4()) for kind in ours}
    for kind, target in ours.items():
        body = {"kind": kind, "foreign_id": foreign[kind], "target_id": target}
        assert (await ada.http.post("/v1/aliases", json=body)).status_code == 200

    pushed = await upload(ada, workflow_id=foreign["workflow"], workflow_api=wider())
    found = {
        "workflow": (await read(ada, f"/api/workflow/{foreign['workflow']}"))["id"],
        "version": (await read(ada, f"/api/workflow-version/{foreign['version']}"))["id"],
        "machine": (await read(ada, f"/api/machine/{foreign['machine']}"))["id"],
    }
    run = await ada.http.post("/api/create-run", json={"workflow_id": foreign["workflow"]})

    assert found == ours
    assert (pushed["workflow_id"], pushed["version"]) == (ours["workflow"], 2)
    assert (await ada.ended(run.json()["run_id"]))["workflow_id"] == ours["workflow"]


async def test_the_inputs_of_a_run_are_cleaned_up_and_what_it_made_stays(
    system: System, ada: Tenant, bob: Tenant
) -> None:
    deployment = await ada.deploy(card())
    run, other = [await ada.run(deployment, {"colour": colour}) for colour in (1, 2)]
    open_run = await ada.start(await ada.deploy(slow()), {"seed": 4})
    body = {"run_id": run["id"], "delay_seconds": 0}

    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as stranger:
        refused = await stranger.post("/api/cleanup-run-data", json=body)
    hidden = await bob.http.post("/api/cleanup-run-data", json=body)
    too_soon = await ada.http.post("/api/cleanup-run-data", json={"run_id": open_run})
    first = await ada.http.post("/api/cleanup-run-data", json=body)
    again = await ada.http.post("/api/cleanup-run-data", json=body)

    assert (refused.status_code, hidden.status_code, too_soon.status_code) == (401, 404, 409)
    assert [(a.status_code, a.json()["success"]) for a in (first, again)] == [(200, True)] * 2
    assert await download(run["outputs"][0]["url"])
    rerun = await ada.http.post(f"/v1/runs/{run['id']}/rerun", json={})
    assert (rerun.status_code, rerun.json()["code"]) == (409, "inputs_erased")
    assert (await ada.http.post(f"/v1/runs/{other['id']}/rerun", json={})).status_code == 202

    async def deleted() -> bool:
        timeline = await read(ada, f"/v1/runs/{run['id']}/timeline")
        return "its inputs are deleted everywhere" in str(timeline)

    await eventually(deleted)
    await ada.cancel(open_run)
    await ada.ended(open_run)


async def test_what_cannot_be_run_is_named_where_the_plugin_sent_it(ada: Tenant) -> None:
    graph = {"1": node("SaveImage", images=["7", 0], filename_prefix="x")}
    for sent in (graph, json.dumps(graph)):
        answer = await ada.http.post(
            "/api/workflow", json={"workflow_name": "broken", "workflow_api": sent}
        )
        refused = answer.json()["error"]
        assert (answer.status_code, refused["name"]) == (400, "ZodError")
        assert refused["issues"][0]["path"][:2] == ["workflow_api", "1"]


@pytest.mark.parametrize(
    ("path", "status", "answer"),
    [
        (f"/api/workflow/{MISSING}", 404, {"error": "Workflow not found"}),
        ("/api/workflow/nonsense", 404, {"error": "Workflow not found"}),
        (f"/api/workflow-version/{MISSING}", 404, {"error": "No version found"}),
        ("/api/workflow-version/nonsense", 404, {"error": "No version found"}),
        (f"/api/machine/{MISSING}", 404, {"error": "Machine not found"}),
    ],
)
async def test_what_is_not_there_is_named_in_the_words_of_the_dialect(
    ada: Tenant, path: str, status: int, answer: Json
) -> None:
    found = await ada.http.get(path)
    assert (found.status_code, found.json()) == (status, answer)


async def test_the_description_is_there_for_everyone(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as stranger:
        described = (await stranger.get("/api/doc")).json()

    assert described["servers"] == [{"url": "/api"}]
    assert {"/run", "/status/{run_id}", "/workflow"} <= described["paths"].keys()
    assert not any(path.startswith("/v1") for path in described["paths"])
