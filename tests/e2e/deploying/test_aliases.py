"""Ids of another system: they stand for things of the tenant who assigned them, and of no other."""

from uuid import uuid4

import pytest

from tests.e2e.graphs import MISSING, card
from tests.e2e.tenant import Json, Tenant


async def things(tenant: Tenant) -> dict[str, str]:
    """Return the ids of one thing of each kind, by kind."""
    deployment = await tenant.deploy(card())
    found: Json = (await tenant.http.get(f"/v1/deployments/{deployment}")).json()
    return {
        "workflow": found["workflow_id"],
        "version": found["version_id"],
        "deployment": deployment,
        "machine": found["machine_id"],
    }


@pytest.mark.parametrize("kind", ["workflow", "version", "deployment", "machine"])
async def test_an_alias_of_each_kind_is_assigned_and_again_changes_nothing(
    ada: Tenant, bob: Tenant, kind: str
) -> None:
    body = {"kind": kind, "foreign_id": str(uuid4()), "target_id": (await things(ada))[kind]}

    first = await ada.http.post("/v1/aliases", json=body)
    again = await ada.http.post("/v1/aliases", json=body)
    strange = await bob.http.post("/v1/aliases", json=body)
    missing = await ada.http.post("/v1/aliases", json=body | {"target_id": MISSING})

    assert first.status_code == 200, first.text
    assert first.json() == body | {"assigned_at": first.json()["assigned_at"]}
    assert again.json() == first.json()
    assert [answer.status_code for answer in (strange, missing)] == [404, 404]


async def test_an_id_of_ours_stands_for_nothing_else(ada: Tenant) -> None:
    ours = await things(ada)
    body = {"kind": "machine", "foreign_id": ours["workflow"], "target_id": ours["machine"]}

    refused = await ada.http.post("/v1/aliases", json=body)

    assert (refused.status_code, refused.json()["code"]) == (409, "alias_reserved")


async def test_a_run_is_made_by_a_foreign_id_of_its_deployment(ada: Tenant, bob: Tenant) -> None:
    foreign, ours = str(uuid4()), await things(ada)
    body = {"kind": "deployment", "foreign_id": foreign.upper(), "target_id": ours["deployment"]}
    await ada.http.post("/v1/aliases", json=body)
    request = {"deployment_id": foreign}

    made = await ada.http.post("/api/run", json=request, headers={"Idempotency-Key": foreign})
    again = await ada.http.post(
        "/api/run",
        json={"deployment_id": ours["deployment"]},
        headers={"Idempotency-Key": foreign},
    )
    strange = await bob.http.post("/api/run", json=request)
    run = await ada.ended(made.json()["run_id"])

    assert (made.status_code, again.json()) == (200, made.json())
    assert run["deployment_id"] == ours["deployment"]
    assert (strange.status_code, strange.json()) == (404, {"error": "Deployment not found"})
