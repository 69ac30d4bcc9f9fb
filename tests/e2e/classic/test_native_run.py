"""A page of ComfyUI asks what to queue itself; what is not done here says what to do instead."""

from uuid import UUID

import httpx
import pytest

from tests.e2e.graphs import MISSING, card
from tests.e2e.system import System
from tests.e2e.tenant import Json, Tenant

PAGE: Json = {
    "client_id": "a page",
    "workflow_api_json": card(),
    "workflow": {"nodes": [], "links": []},
    "is_native_run": True,
    "machine_id": "m",
    "workflow_id": "w",
    "native_run_api_endpoint": "http://comfyd.test/api/run",
    "gpu_event_id": None,
    "gpu": "A10G",
}
"""What the plugin passes on from the page."""


async def test_a_native_run_is_what_the_plugin_queues_and_no_run_of_ours(ada: Tenant) -> None:
    before = (await ada.http.get("/v1/runs")).json()["data"]

    first, second = [(await ada.http.post("/api/run", json=PAGE)).json() for _ in range(2)]
    bare = (await ada.http.post("/api/run", json={**PAGE, "workflow": None})).json()

    prompts = {UUID(run.pop("prompt_id")) for run in (first, second, bare)}
    assert len(prompts) == 3
    expected: Json = {
        "workflow_api_raw": card(),
        "workflow": {"nodes": [], "links": []},
        "inputs": {},
        "status_endpoint": "",
        "file_upload_endpoint": "",
        "cd_token": None,
        "gpu_event_id": None,
    }
    assert first == second == expected
    assert bare == expected | {"workflow": {"nodes": []}}
    assert (await ada.http.get("/v1/runs")).json()["data"] == before


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        ({"is_native_run": True}, "field_missing", ["workflow_api_json"]),
        ({"is_native_run": True, "webhook": "https://x.test"}, "webhook_unsupported", ["webhook"]),
        ({}, "field_missing", ["deployment_id"]),
        ({"deployment_id": MISSING, "workflow": {}}, "field_unknown", ["workflow"]),
        ({"deployment_id": MISSING, "gpu": "A10G"}, "field_unknown", ["gpu"]),
    ],
)
async def test_the_fields_of_one_kind_are_none_of_the_other(
    ada: Tenant, body: Json, code: str, place: list[str]
) -> None:
    answer = await ada.http.post("/api/run", json=body)
    [issue] = answer.json()["error"]["issues"]
    assert (answer.status_code, issue["code"], issue["path"]) == (400, code, place)


async def test_a_key_for_one_deployment_has_no_native_runs(system: System, ada: Tenant) -> None:
    deployment = await ada.deploy(card())
    body = {"name": "shop", "scopes": ["runs:write"], "deployments": [deployment]}
    key = (await ada.http.post("/v1/keys", json=body)).json()["key"]
    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as shop:
        shop.headers["Authorization"] = f"Bearer {key}"
        answer = await shop.post("/api/run", json=PAGE)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", f"/api/websocket/{MISSING}", "follow its events"),
        ("GET", "/api/latest-hashes", "register its address"),
        ("POST", "/api/snapshot-to-docker", "register its address"),
        ("POST", "/api/machine/serverless", "register its address"),
        ("PATCH", f"/api/machine/serverless/{MISSING}", "register its address"),
        ("POST", "/api/volume/file/initiate-multipart-upload", "folder of models"),
        ("POST", "/api/volume/model", "folder of models"),
    ],
)
async def test_what_is_not_done_says_what_to_do_under_both_names(
    system: System, method: str, path: str, words: str
) -> None:
    body = None if method == "GET" else {"filename": "x.safetensors"}
    headers = {"Authorization": f"Bearer {system.token('ada')}"}
    async with httpx.AsyncClient(base_url=system.url, trust_env=False) as plugin:
        answer = await plugin.request(method, path, json=body, headers=headers)
    told = answer.json()
    assert (answer.status_code, told["error"], told.keys()) == (
        501,
        told["detail"],
        {"error", "detail"},
    )
    assert words in told["error"]
