"""Deployments from outside: promoted, rolled back, described, and kept from harming callers."""

from typing import Any

import httpx
import pytest

from infra.jetstream.event_store import JetStreamEventStore
from tests.e2e.graphs import MISSING, card, external, node, show, slow
from tests.e2e.system import System, eventually
from tests.e2e.tenant import Json, Tenant, client_of, observed_machine

PAINTED = {
    **card(),
    "4": external("Text", "title", default_value=""),
    "5": node("PreviewAny", source=["4", 0]),
}
"""A card with one more input."""


async def push(tenant: Tenant, name: str, *graphs: Json) -> str:
    """Push the versions of a workflow, from 1; give its id."""
    pushed = [
        (await tenant.http.post("/v1/workflows", json={"name": name, "graph": graph})).json()
        for graph in graphs
    ]
    assert [version["version"] for version in pushed] == list(range(1, len(graphs) + 1))
    return str(pushed[0]["workflow_id"])


async def promote(
    tenant: Tenant, workflow: str, version: int, *, to: str = "production", **more: Any
) -> Json:
    """Promote a version; give the deployment."""
    path = f"/v1/workflows/{workflow}/deployments/{to}"
    answer = await tenant.http.put(path, json={"version": version, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def history(tenant: Tenant, deployment: str, **params: Any) -> Json:
    answer = await tenant.http.get(f"/v1/deployments/{deployment}/history", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def roll_back(tenant: Tenant, deployment: str, **body: Any) -> Json:
    answer = await tenant.http.post(f"/v1/deployments/{deployment}/rollback", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_run_ends_on_the_version_it_began_with(ada: Tenant) -> None:
    workflow = await push(
        ada,
        "in flight",
        slow(1.0),
        card()
        | {
            "9": external("Number", "seconds", default_value=0),
            "8": external("NumberInt", "seed", default_value=0),
        },
    )
    machine = await ada.machine()
    deployment = (await promote(ada, workflow, 1, machine_id=machine))["id"]
    run = await ada.start(deployment, {"seed": 300})
    await ada.reaches(run, "running")

    again = (await promote(ada, workflow, 2))["id"]

    ended, following = await ada.ended(run), await ada.run(deployment)
    assert again == deployment
    assert (ended["status"], ended["version"]) == ("success", 1)
    assert (following["status"], following["version"]) == ("success", 2)
    assert following["machine_id"] == machine


async def test_what_callers_would_notice_needs_force(ada: Tenant, log: JetStreamEventStore) -> None:
    workflow = await push(ada, "careful", PAINTED, card())
    deployment = (await promote(ada, workflow, 1, machine_id=await ada.machine()))["id"]
    path, body = f"/v1/workflows/{workflow}/deployments/production", {"version": 2}
    before = await log.read(f"deployment-{deployment}")

    refused = await ada.http.put(path, json=body)
    chinese = await ada.http.put(path, json=body, headers={"Accept-Language": "zh"})
    unchanged = await log.read(f"deployment-{deployment}")
    forced = await promote(ada, workflow, 2, force=True, comment="nobody uses it")

    removed = {
        "pointer": "/inputs/title",
        "code": "input_removed",
        "detail": "input 'title' was removed: runs that still send it are refused",
    }
    assert (refused.status_code, refused.json()["code"]) == (409, "incompatible_inputs")
    assert refused.json()["errors"] == [removed]
    assert "移除" in chinese.json()["errors"][0]["detail"]
    assert unchanged == before
    assert (forced["version"], forced["warnings"]) == (2, [removed])
    assert (await ada.http.get(f"/v1/deployments/{deployment}")).json() == forced
    [line, first] = (await history(ada, deployment))["data"]
    assert (line["forced"], line["comment"], line["warnings"]) == (
        True,
        "nobody uses it",
        [removed],
    )
    assert (first["forced"], first["comment"], first["warnings"]) == (False, "", [])


async def test_a_rollback_brings_back_what_ran_before(ada: Tenant, bob: Tenant) -> None:
    workflow = await push(ada, "back", card(), PAINTED)
    machine = await ada.machine()
    first = await promote(ada, workflow, 1, machine_id=machine)
    second = await promote(ada, workflow, 2)
    path = f"/v1/deployments/{first['id']}/rollback"

    strange = await bob.http.post(path, json={})
    back = await roll_back(ada, first["id"], comment="too slow")
    again = await roll_back(ada, first["id"], version=1)
    nothing = await ada.http.post(path, json={})
    never = await ada.http.post(path, json={"version": 7})
    run = await ada.run(first["id"])

    assert strange.status_code == 404
    assert (second["version"], back["version"], again) == (2, 1, back)
    assert [warning["code"] for warning in back["warnings"]] == ["input_removed"]
    for answer in (nothing, never):
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_roll_back")
    assert run["version"] == 1
    lines = (await history(ada, first["id"]))["data"]
    assert [(e["action"], e["version"], e["comment"]) for e in lines] == [
        ("rollback", 1, "too slow"),
        ("promote", 2, ""),
        ("promote", 1, ""),
    ]
    assert {(e["machine_id"], e["by"], e["forced"]) for e in lines} == {
        (machine, "user:ada", False)
    }


async def test_a_history_is_read_page_by_page(ada: Tenant) -> None:
    workflow = await push(ada, "long", card(), PAINTED)
    deployment = (await promote(ada, workflow, 1, machine_id=await ada.machine()))["id"]
    for number in (2, 1, 2, 1):
        await promote(ada, workflow, number, force=True)

    first = await history(ada, deployment, limit=3)
    rest = await history(ada, deployment, limit=3, cursor=first["next_cursor"])

    assert [line["version"] for line in first["data"]] == [1, 2, 1]
    assert [line["version"] for line in rest["data"]] == [2, 1]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)


async def test_each_environment_is_a_deployment_of_its_own(ada: Tenant) -> None:
    workflow, machine = await push(ada, "places", card()), await ada.machine()
    made = {
        name: (await promote(ada, workflow, 1, to=name, machine_id=machine))["id"]
        for name in ("production", "staging", "public-share")
    }

    async def listed(**params: str) -> list[tuple[str, str]]:
        answer = await ada.http.get("/v1/deployments", params={"workflow_id": workflow, **params})
        return [(d["environment"], d["id"]) for d in answer.json()["data"]]

    async def all_of_them() -> bool:
        return dict(await listed()) == made

    await eventually(all_of_them)
    assert len(set(made.values())) == len(made)
    assert await listed(environment="public-share") == [("public-share", made["public-share"])]
    elsewhere = await ada.http.get("/v1/deployments", params={"workflow_id": MISSING})
    assert elsewhere.json()["data"] == []


async def test_a_first_promotion_names_a_machine(ada: Tenant, bob: Tenant) -> None:
    workflow = await push(ada, "homeless", card())
    path = f"/v1/workflows/{workflow}/deployments/staging"

    nowhere = await ada.http.put(path, json={"version": 1})
    foreign = await ada.http.put(path, json={"version": 1, "machine_id": await bob.machine()})

    [problem] = nowhere.json()["errors"]
    assert (nowhere.status_code, problem["pointer"]) == (400, "/machine_id")
    assert problem["code"] == "field_missing"
    assert foreign.status_code == 404


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/v1/runs?deployment_id=x", "/deployment_id"),
        ("/v1/deployments?workflow_id=x", "/workflow_id"),
        ("/v1/deployments?environment=moon", "/environment"),
    ],
)
async def test_a_filter_that_means_nothing_is_named(ada: Tenant, path: str, pointer: str) -> None:
    answer = await ada.http.get(path)

    [problem] = answer.json()["errors"]
    assert (answer.status_code, problem["pointer"]) == (400, pointer)


async def test_a_key_that_is_kept_to_a_deployment_knows_no_other(
    system: System, ada: Tenant
) -> None:
    workflow, machine = await push(ada, "kept", card()), await ada.machine()
    shared, own = [
        (await promote(ada, workflow, 1, to=name, machine_id=machine))["id"]
        for name in ("public-share", "production")
    ]
    body = {"name": "guest", "scopes": ["runs:read", "runs:write"], "deployments": [shared]}
    key = (await ada.http.post("/v1/keys", json=body)).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=system.url, headers=headers, trust_env=False, timeout=40
    ) as guest:

        async def listed() -> bool:
            answer = await guest.get("/v1/deployments")
            return [found["id"] for found in answer.json()["data"]] == [shared]

        await eventually(listed)
        for part in ("", "/history", "/openapi.json"):
            known, other = [await guest.get(f"/v1/deployments/{d}{part}") for d in (shared, own)]
            assert (known.status_code, other.status_code) == (200, 404), part
        change = await guest.post(f"/v1/deployments/{shared}/rollback", json={})
        assert change.status_code == 403


async def test_a_version_that_needs_the_plugin_is_not_promoted_to_a_machine_without_it(
    system: System,
) -> None:
    async with client_of(system, "promoter") as http:
        tenant = Tenant(http, system.machine_url)
        workflow = await push(tenant, "a face", show("FaceModel"), card())
        machine = await observed_machine(tenant)
        path = f"/v1/workflows/{workflow}/deployments/production"
        body = {"version": 1, "machine_id": machine}

        refused = await http.put(path, json=body)
        await promote(tenant, workflow, 2, machine_id=machine)
        forced = await promote(tenant, workflow, 1, machine_id=machine, force=True)
        again = await promote(tenant, workflow, 1, machine_id=machine)
        run = await tenant.run(forced["id"], {"value": "https://a.example/face.safetensors"})

    assert (refused.status_code, refused.json()["code"]) == (409, "machine_lacks_plugin")
    [problem] = refused.json()["errors"]
    assert (problem["code"], problem["pointer"]) == ("node_needs_plugin", "/1")
    assert "comfyui-deploy" in problem["detail"]
    assert again == forced
    # The plugin may have been there once: the machine is asked again before a run is on it.
    assert (run["status"], run["attempt"]) == ("failed", 0)
    assert run["error"]["code"] == "unknown_node"
    assert "comfyui-deploy" in run["error"]["message"]
